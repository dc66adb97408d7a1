"""What a check of the chain finds, also when it was the owner of the database who changed the record."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.access import Scope
from canonry.features.audit import AnchorWriter, service
from canonry.features.audit.anchors import Anchors
from canonry.features.projects.events import ProjectChanged
from canonry.infra.tx import Tx
from tests.support.api import Api


@contextmanager
def as_owner_of_the_database(api: Api) -> Iterator[Tx]:
    """Give a transaction in which no trigger stands in the way."""
    with api.container.transactions.begin() as tx:
        tx.connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
        yield tx
        tx.connection.execute("ALTER TABLE events ENABLE TRIGGER USER")


@pytest.fixture
def ids(api: Api) -> list[int]:
    """Make six events and return their ids, oldest first."""
    for number in range(6):
        api.project(f"shop-{number}")
    return [int(event["id"]) for event in reversed(api.get("/v1/activity")["events"])]


def test_an_untouched_chain_is_whole(api: Api, ids: list[int]) -> None:
    answer = api.get("/v1/activity/verify")
    assert (answer["ok"], answer["events"], answer["unchained"], answer["broken"]) == (True, 6, 0, [])
    newest = api.get("/v1/activity?limit=1")["events"][0]
    assert answer["heads"] == [{
        "organization_id": api.owner.organization_id, "event_id": str(ids[-1]), "events": 6, "hash": newest["hash"], "at": newest["at"],
    }]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    ["after = '{\"slug\": \"other\"}'", "before = '{}'", "name = 'project.changed'", "user_id = 'usr_0'", "credential = ''",
     "address = '192.0.2.9'", "request_id = 'req_0'", "at = at + interval '1 microsecond'", "payload = payload || '{\"x\": 1}'",
     "hash = sha256('x')", "hash = ''"],
)  # fmt: skip
@pytest.mark.criterion("identity#verify-finds")
def test_a_changed_event_is_named(api: Api, ids: list[int], change: str) -> None:
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute(f"UPDATE events SET {change} WHERE id = {ids[2]}".encode())  # noqa: S608 -- our own words
    answer = api.get("/v1/activity/verify")
    assert (answer["ok"], [item["event_id"] for item in answer["broken"]]) == (False, [str(ids[2])])
    assert "changed" in answer["broken"][0]["reason"]


@pytest.mark.parametrize("gone", [[0], [2], [0, 1, 2], [1, 3]])
@pytest.mark.criterion("identity#verify-finds")
def test_events_that_were_removed_are_missed_at_the_next_one(api: Api, ids: list[int], gone: list[int]) -> None:
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute("DELETE FROM events WHERE id = ANY(%s)", ([ids[number] for number in gone],))
    following = next(number for number in range(6) if number > min(gone) and number not in gone)
    answer = api.get("/v1/activity/verify")
    assert [item["event_id"] for item in answer["broken"]] == [str(ids[following])]


def test_an_event_that_was_put_in_is_named(api: Api, ids: list[int]) -> None:
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute("UPDATE events SET organization_id = 'org_x' WHERE id = %s", (ids[0],))
    assert [item["event_id"] for item in api.get("/v1/activity/verify")["broken"]] == [str(ids[1])]


class TestTheEndWasCutOff:
    def test_without_an_anchor_nobody_can_tell(self, api: Api, ids: list[int]) -> None:
        self._cut(api, ids[4:])
        assert api.get("/v1/activity/verify")["ok"] is True

    def test_with_one_it_is_found(self, api: Api, ids: list[int]) -> None:
        Anchors(api.container.home.audit_anchors).write(api.container.transactions)
        self._cut(api, ids[4:])
        answer = api.get("/v1/activity/verify")
        assert [(item["event_id"], "gone" in item["reason"]) for item in answer["broken"]] == [(str(ids[5]), True)]

    def test_also_when_new_events_follow(self, api: Api, ids: list[int]) -> None:
        Anchors(api.container.home.audit_anchors).write(api.container.transactions)
        self._cut(api, ids[5:])
        api.project("later")
        assert [item["event_id"] for item in api.get("/v1/activity/verify")["broken"]] == [str(ids[5])]

    def test_and_when_every_event_is_gone(self, api: Api, ids: list[int]) -> None:
        Anchors(api.container.home.audit_anchors).write(api.container.transactions)
        self._cut(api, ids)
        assert [item["event_id"] for item in api.get("/v1/activity/verify")["broken"]] == [str(ids[5])]

    def _cut(self, api: Api, ids: list[int]) -> None:
        with as_owner_of_the_database(api) as tx:
            tx.connection.execute("DELETE FROM events WHERE id = ANY(%s)", (ids,))


def test_a_chain_that_was_written_anew_is_told_by_its_anchor(api: Api, ids: list[int]) -> None:
    """Whoever owns the database can compute hashes too; the anchor lies outside it."""
    Anchors(api.container.home.audit_anchors).write(api.container.transactions)
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute("UPDATE events SET address = '192.0.2.9' WHERE id = %s", (ids[1],))
        previous = b""
        for event in list(service.store.chain(tx, api.owner.organization_id)):
            previous = service.hash_of(event, previous)
            tx.connection.execute("UPDATE events SET hash = %s WHERE id = %s", (previous, int(event.id)))
    answer = api.get("/v1/activity/verify")
    assert [(item["event_id"], "anew" in item["reason"]) for item in answer["broken"]] == [(str(ids[5]), True)]


def test_events_from_before_the_chain_are_counted_apart(api: Api, ids: list[int]) -> None:
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute(
            "INSERT INTO events (id, name, organization_id, payload) OVERRIDING SYSTEM VALUE VALUES (%s, 'project.created', %s, '{}')",
            (ids[0] - 1, api.owner.organization_id),
        )
    answer = api.get("/v1/activity/verify")
    assert (answer["ok"], answer["events"], answer["unchained"]) == (True, 7, 1)


def test_who_runs_the_platform_checks_every_chain(api: Api, ids: list[int]) -> None:
    other = api.somebody()
    made = len(api.ask("GET", "/v1/activity", token=other.tokens[Scope.ADMIN]).json["events"])
    assert api.ask("POST", "/v1/projects", {"name": "theirs"}, token=other.tokens[Scope.ADMIN]).status == 201
    with as_owner_of_the_database(api) as tx:
        tx.connection.execute("UPDATE events SET address = 'x' WHERE organization_id = %s", (other.organization_id,))
    assert api.ask("GET", "/v1/activity/verify?platform=true", token=other.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")
    assert api.get("/v1/activity/verify")["ok"] is True
    answer = api.get("/v1/activity/verify?platform=true")
    assert (answer["ok"], answer["events"]) == (False, 6 + made + 1)
    assert [item["organization_id"] for item in answer["broken"]] == [other.organization_id]
    assert ids


def test_a_long_chain_takes_no_more_memory_than_a_short_one(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        previous = b""
        tx.connection.execute(
            """INSERT INTO events (name, organization_id, payload, hash) SELECT 'x.y', 'org_long', jsonb_build_object('n', n), 'x'
               FROM generate_series(1, 20000) n"""
        )
    tracemalloc.start()
    with api.container.transactions.begin() as tx:
        verdict = service.check(tx, "org_long", Anchors(api.container.home.audit_anchors))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verdict.events, verdict.broken is not None, previous) == (20000, True, b"")
    assert peak < 8 << 20


def test_anchors_are_written_once_a_day_and_only_where_a_chain_has_grown(api: Api, ids: list[int]) -> None:
    path = api.container.home.audit_anchors
    AnchorWriter(path, api.container.transactions).round()
    first = path.read_text()
    assert first.count("\n") == 1
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    AnchorWriter(path, api.container.transactions).round()
    Anchors(path).write(api.container.transactions)
    assert path.read_text() == first
    api.project("later")
    Anchors(path).write(api.container.transactions)
    assert path.read_text().count("\n") == 2
    path.write_text(path.read_text() + '{"organization_id": "or')  # a power cut
    assert set(Anchors(path).of(api.owner.organization_id)) == {ids[5], int(api.get("/v1/activity?limit=1")["events"][0]["id"])}


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_NUMBERS = st.integers(-(1 << 62), 1 << 62) | st.floats(0.001, 1e6)
_FACTS = st.dictionaries(_TEXT, st.none() | st.booleans() | _NUMBERS | _TEXT | st.lists(_TEXT, max_size=3), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_FACTS, after=_FACTS)
def test_whatever_the_facts_what_the_database_gives_back_has_the_same_hash(
    api: Api, before: dict[str, object], after: dict[str, object]
) -> None:
    with api.container.transactions.begin() as tx:
        tx.emit(ProjectChanged("org_facts", "prj_1"), before=before, after=after)
    with api.container.transactions.begin() as tx:
        assert service.check(tx, "org_facts", Anchors(api.container.home.audit_anchors)).broken is None
