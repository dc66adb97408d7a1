"""Webhooks over HTTP."""

import json

import pytest

from canonry.core.access import Scope
from tests.features.webhooks.conftest import Made
from tests.support.api import Api

URL = "https://hooks.example.com/T01/secret-part"


def make(api: Api, **fields: object) -> dict[str, object]:
    answer = api.ask("POST", "/v1/webhooks", {"url": URL, **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json)


def test_the_secret_is_shown_once_and_kept_sealed(api: Api) -> None:
    made = make(api, events=["deployment.failed", "domain.*"])
    webhook, secret = made["webhook"], str(made["secret"])
    assert isinstance(webhook, dict)
    assert secret.startswith("whsec_")
    assert len(secret) == 70
    assert (webhook["url"], webhook["events"], webhook["active"]) == (URL, ["deployment.failed", "domain.*"], True)
    for path in ("/v1/webhooks", f"/v1/webhooks/{webhook['id']}"):
        assert secret not in json.dumps(api.get(path))
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT sealed_secret, w::text FROM webhooks w").fetchone()
    assert row is not None
    assert secret not in row[1]
    assert api.container.vault.open(bytes(row[0]), bound=f"webhooks {webhook['id']}").reveal() == secret


def test_no_event_holds_the_path_of_the_address(api: Api) -> None:
    make(api)
    (event,) = api.get("/v1/activity?name=webhook.created")["events"]
    assert event["after"]["url"] == "https://hooks.example.com"
    assert "secret-part" not in json.dumps(api.get("/v1/activity"))


def test_they_are_listed_by_pages_changed_and_removed(api: Api) -> None:
    ids = [make(api)["webhook"]["id"] for _ in range(3)]  # type: ignore[index]
    first = api.get("/v1/webhooks?limit=2")
    second = api.get(f"/v1/webhooks?limit=2&cursor={first['next_cursor']}")
    assert [item["id"] for item in (*first["webhooks"], *second["webhooks"])] == ids[::-1]
    changed = api.ask("PATCH", f"/v1/webhooks/{ids[0]}", {"events": ["*"], "active": False}).json["webhook"]
    assert (changed["events"], changed["active"], changed["url"]) == (["*"], False, URL)
    assert api.ask("POST", f"/v1/webhooks/{ids[0]}/ping").error == (409, "webhook_inactive")
    assert api.ask("DELETE", f"/v1/webhooks/{ids[0]}").status == 204
    assert api.ask("GET", f"/v1/webhooks/{ids[0]}").error == (404, "webhook_not_found")


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [({"url": "ftp://x/"}, "invalid_url", "body.url"), ({"url": "http://127.0.0.1/"}, "private_address", "body.url"),
     ({"url": URL, "events": ["deployment.suceeded"]}, "unknown_event", "body.events.0"),
     ({"url": URL, "events": []}, "validation_failed", "body.events"),
     ({"url": URL, "secret": "mine"}, "validation_failed", "body.secret"), ({}, "validation_failed", "body.url")],
)  # fmt: skip
def test_a_wrong_one_is_refused_by_name_and_nothing_is_added(api: Api, body: dict[str, object], code: str, path: str) -> None:
    answer = api.ask("POST", "/v1/webhooks", body)
    assert answer.error == (400, code)
    assert answer.json["issues"][0]["path"] == path
    assert api.get("/v1/webhooks")["webhooks"] == []
    webhook = make(api)["webhook"]
    if "url" in body:
        assert isinstance(webhook, dict)
        assert api.ask("PATCH", f"/v1/webhooks/{webhook['id']}", body).error == (400, code)


def test_a_project_is_named_by_slug_and_has_to_be_one_of_ours(api: Api) -> None:
    api.project("shop")
    webhook = make(api, project="shop")["webhook"]
    assert isinstance(webhook, dict)
    assert webhook["project_id"] == api.get("/v1/projects/shop")["id"]
    assert api.ask("POST", "/v1/webhooks", {"url": URL, "project": "nobody"}).error == (404, "project_not_found")


def test_only_admins_see_or_touch_them(api: Api) -> None:
    webhook = make(api)["webhook"]
    assert isinstance(webhook, dict)
    for scope in (Scope.READ, Scope.DEPLOY):
        assert api.ask("GET", "/v1/webhooks", token=api.owner.tokens[scope]).error == (403, "insufficient_scope")
    other = api.somebody()
    assert api.ask("GET", f"/v1/webhooks/{webhook['id']}", token=other.tokens[Scope.ADMIN]).error == (404, "webhook_not_found")


def test_there_are_at_most_fifty(api: Api) -> None:
    for _ in range(50):
        make(api)
    assert api.ask("POST", "/v1/webhooks", {"url": URL}).error == (409, "too_many_webhooks")


def test_a_delivery_of_another_webhook_is_404(open_api: Api, webhook: Made) -> None:
    one, other = webhook("http://127.0.0.1:9/")[0], webhook("http://127.0.0.1:9/")[0]
    delivery = open_api.ask("POST", f"/v1/webhooks/{one}/ping").json["delivery"]
    assert (delivery["event"], delivery["status"], delivery["attempts"]) == ("webhook.ping", "waiting", [])
    assert open_api.ask("POST", f"/v1/webhooks/{other}/deliveries/{delivery['id']}/replay").error == (404, "delivery_not_found")


def test_who_has_not_verified_their_address_adds_none(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL WHERE id = %s", (api.owner.user_id,))
    assert api.ask("POST", "/v1/webhooks", {"url": URL}).error == (403, "email_not_verified")
    assert api.get("/v1/webhooks")["webhooks"] == []
