"""Deliveries to real receivers."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from canonry.features.webhooks import Sender
from tests.features.webhooks.conftest import Made
from tests.support.api import SITE, Api
from tests.support.mail import waiting
from tests.support.receiver import Receiver
from tests.support.waiting import until

type Send = Callable[[], None]


def deliveries(api: Api, webhook_id: str) -> list[dict[str, Any]]:
    return list(api.get(f"/v1/webhooks/{webhook_id}/deliveries")["deliveries"])


def execute(api: Api, query: str) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute(query.encode())


def let_time_pass(api: Api) -> None:
    """Let everything that waits for its next try be due."""
    execute(api, "UPDATE webhook_deliveries SET next_at = now() - interval '1 second' WHERE status = 'waiting'")
    execute(api, "UPDATE webhooks SET not_before = NULL")


def test_what_happens_arrives_signed_with_its_facts(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook_id, secret = webhook(receiver.url)
    slug = open_api.project("shop")
    deployment = open_api.deploy(slug, {"nothing.txt": "to run"})
    send()
    assert receiver.names() == ["deployment.requested", "deployment.failed"]
    got = receiver.received[1]
    assert got.is_signed_with(secret)
    assert not got.is_signed_with("whsec_other")
    assert (got.path, got.headers["content-type"], got.headers["x-canonry-event"]) == (
        "/hook?key=sesame", "application/json", "deployment.failed",
    )  # fmt: skip
    assert got.json["organization"] == {"id": open_api.owner.organization_id, "handle": open_api.owner.handle}
    assert got.json["project"] == {"id": deployment["project_id"], "slug": "shop"}
    assert got.json["data"]["deployment_id"] == deployment["id"]
    assert got.json["data"]["after"]["status"] == "failed"
    assert got.json["data"]["after"]["error"] == deployment["error"]
    assert got.json["data"]["actor"] == "system"
    (newest, _) = deliveries(open_api, webhook_id)
    assert (newest["id"], newest["status"], newest["message"]) == (got.headers["x-canonry-delivery"], "delivered", got.json)
    (attempt,) = newest["attempts"]
    assert (attempt["status"], attempt["response"], attempt["error"]) == (200, "thanks", None)


def test_what_happens_in_one_moment_arrives_in_its_order(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook(receiver.url, events=["project.created"])
    slugs = [open_api.project(f"shop-{number}") for number in range(8)]
    send()
    assert [got.json["project"]["slug"] for got in receiver.received] == slugs


def test_only_what_was_asked_for_comes_and_only_from_then_on(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    open_api.project("before")
    webhook(receiver.url, events=["project.created"])
    open_api.deploy(open_api.project("shop"), SITE)
    send()
    assert [(item.json["name"], item.json["project"]["slug"]) for item in receiver.received] == [("project.created", "shop")]


def test_a_webhook_of_a_project_gets_no_other_s_events_and_hears_of_its_end(
    open_api: Api, receiver: Receiver, webhook: Made, send: Send
) -> None:
    open_api.project("shop")
    open_api.project("other")
    webhook(receiver.url, events=["*"], project="shop")
    open_api.deploy("other", SITE)
    assert open_api.ask("DELETE", "/v1/projects/shop").status == 204
    send()
    assert [(item.json["name"], item.json["project"]["slug"]) for item in receiver.received] == [("project.deleted", "shop")]


def test_another_organization_is_told_nothing(receiver: Receiver, webhook: Made, send: Send, api: Api) -> None:
    webhook(receiver.url, events=["*"])
    api.project("theirs")
    send()
    assert receiver.received == []


def test_a_failure_is_tried_again_later_with_the_same_message_and_a_new_signature(
    open_api: Api, receiver: Receiver, webhook: Made, send: Send
) -> None:
    webhook_id, secret = webhook(receiver.url, events=["project.created"])
    receiver.statuses = [500, 302]
    receiver.location = "http://127.0.0.1:1/"
    open_api.project("shop")
    send()
    send()  # it is not due yet
    assert len(receiver.received) == 1
    (delivery,) = deliveries(open_api, webhook_id)
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("waiting", 500)
    assert open_api.get(f"/v1/webhooks/{webhook_id}")["webhook"]["failing_since"] is not None
    for _ in range(2):
        let_time_pass(open_api)
        send()
    assert [item.body for item in receiver.received] == [receiver.received[0].body] * 3
    assert {item.headers["x-canonry-delivery"] for item in receiver.received} == {delivery["id"]}
    assert all(item.is_signed_with(secret) for item in receiver.received)
    (delivery,) = deliveries(open_api, webhook_id)
    assert (delivery["status"], [item["status"] for item in delivery["attempts"]]) == ("delivered", [500, 302, 200])
    assert open_api.get(f"/v1/webhooks/{webhook_id}")["webhook"]["failing_since"] is None


@pytest.mark.criterion("operating#webhook-signed")
def test_after_eight_tries_it_has_failed_and_can_be_replayed(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook_id, _ = webhook(receiver.url, events=["project.created"])
    receiver.status = 503
    open_api.project("shop")
    for _ in range(9):
        send()
        let_time_pass(open_api)
    (delivery,) = deliveries(open_api, webhook_id)
    assert (delivery["status"], len(delivery["attempts"]), len(receiver.received)) == ("failed", 8, 8)
    receiver.status = 204
    again = open_api.ask("POST", f"/v1/webhooks/{webhook_id}/deliveries/{delivery['id']}/replay").json["delivery"]
    assert (again["replay_of"], again["status"]) == (delivery["id"], "waiting")
    send()
    assert receiver.received[-1].body == receiver.received[0].body
    assert [item["status"] for item in deliveries(open_api, webhook_id)] == ["delivered", "failed"]


def test_what_waits_for_one_that_fails_is_not_all_tried_at_once(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook(receiver.url, events=["project.created"])
    receiver.status = 500
    for number in range(5):
        open_api.project(f"shop-{number}")
    for _ in range(3):
        send()
    assert len(receiver.received) == 1
    receiver.status = 200
    let_time_pass(open_api)
    send()
    assert len(receiver.received) == 6


def test_nobody_there_is_written_down_as_such(open_api: Api, webhook: Made, send: Send) -> None:
    webhook_id, _ = webhook("http://127.0.0.1:1/")
    open_api.ask("POST", f"/v1/webhooks/{webhook_id}/ping")
    send()
    (delivery,) = deliveries(open_api, webhook_id)
    assert delivery["attempts"][0]["status"] is None
    assert "could not be reached" in delivery["attempts"][0]["error"]


def test_a_name_that_leads_inside_is_not_called(open_api: Api, receiver: Receiver, webhook: Made) -> None:
    """It was allowed when the webhook was made; the check is made again at every request, on the address that is connected to."""
    webhook_id, _ = webhook(receiver.url.replace("127.0.0.1", "localhost"))
    open_api.ask("POST", f"/v1/webhooks/{webhook_id}/ping")
    sender = Sender(replace(open_api.container, settings=replace(open_api.container.settings, allow_private_targets=False)))
    sender.round()
    until(lambda: not sender._busy)
    assert receiver.received == []
    assert "inside this network" in deliveries(open_api, webhook_id)[0]["attempts"][0]["error"]


def test_a_slow_receiver_holds_up_nobody_else_and_gets_one_request_at_a_time(
    open_api: Api, receiver: Receiver, webhook: Made, another: Callable[[], Receiver]
) -> None:
    slow = [another() for _ in range(3)]
    for item in slow:
        item.gate.clear()
        webhook(item.url, events=["project.*"])
    webhook(receiver.url, events=["project.*"])
    for number in range(20):
        open_api.project(f"shop-{number}")
    sender = Sender(open_api.container)
    sender.round()
    until(lambda: len(receiver.received) == 20, timeout=60)
    sender.round()
    until(lambda: all(item.at_once for item in slow))
    assert [item.most_at_once for item in slow] == [1, 1, 1]
    assert receiver.most_at_once == 1
    sender.close()
    for item in slow:
        item.gate.set()
    until(lambda: not sender._busy)


def test_receivers_that_fail_leave_room_for_those_that_work(
    open_api: Api, receiver: Receiver, webhook: Made, another: Callable[[], Receiver]
) -> None:
    """Twenty that hang: at most eight threads are theirs, however many there are."""
    hanging = another()
    hanging.gate.clear()
    for _ in range(20):
        webhook(hanging.url, events=["project.*"])
    execute(open_api, "UPDATE webhooks SET failing_since = now()")
    webhook(receiver.url, events=["project.*"])
    open_api.project("shop")
    sender = Sender(open_api.container)
    for _ in range(3):
        sender.round()
    until(lambda: len(receiver.received) == 1, timeout=60)
    assert hanging.most_at_once <= 8
    sender.close()
    hanging.gate.set()
    until(lambda: not sender._busy)


def test_one_that_has_failed_for_days_is_switched_off_with_a_mail(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook_id, _ = webhook(receiver.url)
    receiver.status = 410
    execute(open_api, "UPDATE webhooks SET failing_since = now() - interval '121 hours'")
    open_api.ask("POST", f"/v1/webhooks/{webhook_id}/ping")
    send()
    shown = open_api.get(f"/v1/webhooks/{webhook_id}")["webhook"]
    assert (shown["active"], shown["disabled_reason"]) == (False, "nothing has arrived there for 5 days")
    (mail,) = waiting(open_api.container)
    assert (mail.to, mail.subject) == (f"{open_api.owner.handle}@example.com", "A webhook was switched off")
    assert "sesame" not in mail.text
    assert open_api.get("/v1/activity?limit=1")["events"][0]["name"] == "webhook.disabled"
    open_api.project("while-it-is-off")
    send()
    receiver.status = 200
    assert open_api.ask("PATCH", f"/v1/webhooks/{webhook_id}", {"active": True}).json["webhook"]["disabled_reason"] is None
    execute(open_api, "UPDATE webhook_deliveries SET next_at = now() WHERE status = 'waiting'")
    send()
    assert receiver.names() == ["webhook.ping", "webhook.ping"]  # what waited comes, what happened meanwhile does not


def test_what_a_dead_process_had_under_way_is_made_again(open_api: Api, receiver: Receiver, webhook: Made) -> None:
    webhook(receiver.url, events=["project.created"])
    receiver.delay = 1.0
    open_api.project("shop")
    dead = Sender(open_api.container)
    dead._deliver = lambda _delivery: False  # type: ignore[method-assign]  # it dies before it can note anything
    dead.round()
    until(lambda: not dead._busy)
    again = Sender(open_api.container)
    again.round()
    until(lambda: len(receiver.received) == 1)
    until(lambda: not again._busy)
    again.round()
    assert len(receiver.received) == 1


def test_two_senders_make_one_delivery_of_an_event(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook_id, _ = webhook(receiver.url, events=["project.created"])
    open_api.project("shop")
    execute(open_api, "UPDATE webhooks SET active = false")
    send()
    assert deliveries(open_api, webhook_id) == []
    execute(open_api, "UPDATE webhooks SET active = true")
    send()
    execute(open_api, "UPDATE webhooks SET position = 0")  # as when the position of a round was lost
    send()
    assert len(deliveries(open_api, webhook_id)) == len(receiver.received) == 1


def test_the_log_is_kept_for_thirty_days(open_api: Api, receiver: Receiver, webhook: Made) -> None:
    webhook_id, _ = webhook(receiver.url)
    for _ in range(2):
        open_api.ask("POST", f"/v1/webhooks/{webhook_id}/ping")
    kept = deliveries(open_api, webhook_id)[0]["id"]
    execute(open_api, f"UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id <> '{kept}'")  # noqa: S608
    sender = Sender(open_api.container)
    sender.round()
    until(lambda: not sender._busy)
    assert [item["id"] for item in deliveries(open_api, webhook_id)] == [kept]


def test_a_long_answer_is_kept_in_part_and_harmless(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook_id, _ = webhook(receiver.url)
    receiver.answer = b"\0\x1b[2J" + "é".encode() * 100_000
    open_api.ask("POST", f"/v1/webhooks/{webhook_id}/ping")
    send()
    text = deliveries(open_api, webhook_id)[0]["attempts"][0]["response"]
    assert len(text) == 500
    assert not {"\0", "\x1b"} & set(text)


def test_no_secret_of_the_platform_is_in_a_message(open_api: Api, receiver: Receiver, webhook: Made, send: Send) -> None:
    webhook(receiver.url, events=["*"])
    open_api.deploy(open_api.project("shop"), SITE)
    send()
    text = json.dumps([item.json for item in receiver.received])
    assert "cnr_" not in text
    assert "whsec_" not in text
