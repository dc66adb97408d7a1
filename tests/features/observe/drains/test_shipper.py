"""Sending for real: to an HTTP server and to syslog servers on loopback; what is kept when they fail, or we do."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from canonry.core.access import Actor, Permission
from canonry.core.secret import Secret
from canonry.features.observe.drains import service, shipper, store
from canonry.features.observe.drains.models import Drain
from canonry.features.observe.drains.service import Wish
from canonry.features.observe.drains.shipper import Shipper, ship
from canonry.infra.app_logs import trim
from canonry.wiring.container import Container
from tests.support.api import Api
from tests.support.receiver import Receiver, receiving
from tests.support.syslog import make_certificate, syslog_server
from tests.support.waiting import until


class Draining:
    """A project with one instance whose log the test writes, and a drain to somewhere."""

    def __init__(self, api: Api, wish: Wish, *, allow_private: bool = True, slug: str | None = None) -> None:
        self.api = api
        self.slug = slug or api.app()
        self.instance = api.instances(self.slug)[0]["id"]
        self.log: Path = api.container.home.instance_logs / f"{self.instance}.log"
        self.write("what was written before the drain is not sent")
        settings = replace(api.container.settings, allow_private_targets=True)
        actor = Actor(api.owner.user_id, api.owner.organization_id, api.owner.handle, frozenset(Permission))
        with api.container.transactions.begin() as tx:
            self.id = service.create(tx, replace(api.container, settings=settings), actor, self.slug, wish).drain.id
        self.context: Container = replace(api.container, settings=replace(settings, allow_private_targets=allow_private))

    def write(self, *lines: str) -> None:
        with self.log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def ship(self) -> None:
        """Send, however long the drain would wait after a failure."""
        ship(self.context, self.drain)

    @property
    def drain(self) -> Drain:
        with self.context.transactions.begin() as tx:
            return next(drain for drain in store.of_project(tx, self._project) if drain.id == self.id)

    @property
    def _project(self) -> str:
        return str(self.api.get(f"/v1/projects/{self.slug}")["id"])

    @property
    def shown(self) -> dict[str, object]:
        return dict(self.api.get(f"/v1/projects/{self.slug}/drains/{self.id}")["drain"])


def to(url: str, **options: object) -> Wish:
    return Wish("http" if url.startswith("http") else "syslog", Secret(url), **options)  # type: ignore[arg-type]


def sent(receiver: Receiver) -> list[str]:
    """Return the texts of everything that was accepted or not, in order."""
    found = []
    for request in receiver.received:
        body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
        kind = request.headers["content-type"]
        documents = json.loads(body) if kind == "application/json" else [json.loads(line) for line in body.splitlines()]
        found += [document["message"] for document in documents]
    return found


def test_lines_from_now_on_arrive_in_order_with_where_they_come_from(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url, authorization=Secret("Bearer abc")))
        draining.write("one", "", "thr€e ✓")
        draining.ship()
        assert sent(receiver) == ["one", "", "thr€e ✓"]
        (request,) = receiver.received
        assert (request.headers["authorization"], request.headers["content-type"]) == ("Bearer abc", "application/x-ndjson")
        document = json.loads(request.body.splitlines()[0])
        assert (document["project"], document["environment"], document["process"], document["instance"]) == (
            draining.slug, "production", "web.0", draining.instance,
        )  # fmt: skip
        draining.ship()
        assert len(receiver.received) == 1
        draining.write("four")
        draining.ship()
        assert sent(receiver)[3:] == ["four"]
        assert (draining.shown["status"], draining.shown["sent_lines"], draining.shown["lag_bytes"]) == ("ok", 4, 0)


def test_an_array_and_gzip_when_asked_for_and_a_basic_header(api: Api) -> None:
    with receiving() as receiver:
        wish = to(receiver.url, format="json", gzip=True, authorization=service.basic("ada", Secret("pass")))
        draining = Draining(api, wish)
        draining.write("one", "two")
        draining.ship()
        assert sent(receiver) == ["one", "two"]
        assert receiver.received[0].headers["authorization"] == "Basic YWRhOnBhc3M="


def test_a_collector_that_fails_is_asked_again_later_and_misses_nothing(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        receiver.statuses = [500, 302, 429, 403]
        draining.write("one", "two")
        for attempt in range(1, 5):
            draining.ship()
            assert draining.drain.failures == attempt
            with api.container.transactions.begin() as tx:
                waits = tx.connection.execute("SELECT extract(epoch FROM next_try_at - now())::float FROM drains").fetchone()
                assert waits is not None
                assert 2 ** (attempt - 1) - 1 < waits[0] <= 2 ** (attempt - 1)
                assert store.due(tx) == []
        assert draining.shown["status"] == "failing"
        assert draining.shown["last_error"] == "The collector answered 403."
        assert draining.shown["lag_bytes"] == len("one\ntwo\n")
        draining.write("three")
        draining.ship()
        assert sent(receiver)[-3:] == ["one", "two", "three"]
        assert (draining.shown["status"], draining.shown["sent_lines"]) == ("ok", 3)


def test_what_is_not_noted_is_sent_again_under_the_same_name(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may die between the collector's answer and our note."""
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        draining.write("one", "two")
        with monkeypatch.context() as patch:
            patch.setattr(shipper.store, "set_positions", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                draining.ship()
        draining.ship()
        assert sent(receiver) == ["one", "two", "one", "two"]
        assert len({request.headers["x-canonry-batch"] for request in receiver.received}) == 1


def test_much_goes_in_bounded_batches(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        lines = [f"line {number:05}" for number in range(1700)] + ["x" * 15_000] * 100
        draining.write(*lines)
        draining.ship()
        assert sent(receiver) == lines
        assert len(receiver.received) >= 5
        assert max(len(request.body) for request in receiver.received) < 1 << 20


def test_a_batch_that_is_too_large_goes_in_halves(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        receiver.statuses = [413, 413]
        draining.write(*(f"line {number}" for number in range(8)))
        draining.ship()
        assert sent(receiver)[-8:] == [f"line {number}" for number in range(8)]
        assert draining.drain.failures == 0


def test_what_was_freed_before_it_could_be_sent_is_told(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        draining.write(*(f"lost {number:08} " + 190 * "x" for number in range(15_000)))
        assert trim(draining.log, 1 << 20) > 0
        draining.write("the end")
        draining.ship()
        first = json.loads(receiver.received[0].body.splitlines()[0])
        assert re.fullmatch(r"\[canonry\] \d+ bytes of this log were freed before they could be sent", first["message"])
        assert first["gap_bytes"] > 1 << 19
        until(lambda: (draining.ship(), sent(receiver)[-1] == "the end")[1])
        assert sum("freed" in text for text in sent(receiver)) == 1


def test_secrets_are_masked(api: Api) -> None:
    with receiving() as receiver:
        slug = api.project(start_command="sleep 600")
        api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": "hunter2secret"})
        api.deploy(slug, {"start.sh": ""})
        draining = Draining(api, to(receiver.url), slug=slug)
        draining.write("the key is hunter2secret")
        draining.ship()
        assert sent(receiver) == ["the key is [redacted]"]


def test_a_name_that_leads_inside_is_noticed_when_it_is_sent_to(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url.replace("127.0.0.1", "localhost")), allow_private=False)
        draining.write("one")
        draining.ship()
        assert receiver.received == []
        assert "inside this network" in str(draining.shown["last_error"])


@pytest.mark.parametrize("kind", ["tcp", "tls", "udp"])
def test_a_syslog_server_gets_rfc_5424_messages(api: Api, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate = make_certificate(tmp_path_factory.mktemp("ca")) if kind == "tls" else None
    with syslog_server(kind, certificate) as server:
        draining = Draining(api, to(server.url, authority=certificate[0].read_text() if certificate else None))
        draining.write("one", 'tw"o] \\', "thr€e\twith a tab")
        draining.ship()
        until(lambda: len(server.messages) == 3)
        assert draining.drain.last_error is None
        pattern = re.compile(
            r"<14>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (\S+) \1 web\.0 - "
            r'\[canonry@32473 instance="(ins_\w+)" deployment="(dep_\w+)" environment="production" batch="[^"]+"\] \ufeff(.*)', re.DOTALL
        )  # fmt: skip
        found = [pattern.fullmatch(message) for message in server.messages]
        assert [match[4] if match else None for match in found] == ["one", 'tw"o] \\', "thr€e\twith a tab"]
        assert {match[1] for match in found if match} == {draining.slug}


def test_a_tls_server_with_an_unknown_certificate_gets_nothing(api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    with syslog_server("tls", make_certificate(tmp_path_factory.mktemp("ca"))) as server:
        draining = Draining(api, to(server.url))
        draining.write("one")
        draining.ship()
        assert server.messages == []
        assert "its certificate is not valid" in str(draining.shown["last_error"])


def test_a_syslog_server_that_keeps_the_connection_open_has_its_lines_all_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("canonry.features.observe.drains.syslog._LAST_WORD", 0.3)
    with syslog_server("tcp") as server:
        server.keeps_open = True
        draining = Draining(api, to(server.url))
        draining.write("one", "two")
        draining.ship()
        assert (len(server.messages), draining.drain.failures) == (2, 0)


def test_a_syslog_server_that_is_away_is_waited_for(api: Api) -> None:
    with syslog_server("tcp") as server:
        url = server.url
    draining = Draining(api, to(url))
    draining.write("one")
    draining.ship()
    assert "could not be reached" in str(draining.shown["last_error"])
    assert draining.shown["lag_bytes"] == 4


def test_a_slow_collector_does_not_hold_up_the_rounds_nor_another_drain(api: Api) -> None:
    with receiving() as slow, receiving() as quick:
        slow.gate.clear()
        one, other = Draining(api, to(slow.url)), Draining(api, to(quick.url))
        one.write("one")
        other.write("other")
        sender = Shipper(one.context)
        sender.round()
        sender.round()
        until(lambda: sent(quick) == ["other"])
        assert slow.received == []
        slow.gate.set()
        until(lambda: sent(slow) == ["one"])
        sender.close()
        assert len(slow.received) == 1


def test_a_drain_that_is_removed_while_it_sends_ends_without_a_fault(api: Api) -> None:
    with receiving() as receiver:
        draining = Draining(api, to(receiver.url))
        draining.write("one")
        drain = draining.drain
        assert api.ask("DELETE", f"/v1/projects/{draining.slug}/drains/{draining.id}").status == 204
        ship(draining.context, drain)
        with api.container.transactions.begin() as tx:
            assert tx.connection.execute("SELECT count(*) FROM drain_positions").fetchone() == (0,)
