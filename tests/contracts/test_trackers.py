"""The contract of `ports.trackers.Tracker`. An adapter for another tracker joins `tracker` below."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from canonry.core.errors import NotFound
from canonry.core.ids import new_id
from canonry.core.settings import Settings
from canonry.features.tickets import LocalTracker
from canonry.infra.db import Database
from canonry.infra.jobs import Queue
from canonry.infra.tx import Transactions
from canonry.ports.trackers import LinkedPull, TicketChange, TicketWish, Tracker

WISH = TicketWish("PAY", "Retry", "Three times.", labels=("payments",), assignees=("ada",), custom_fields={"points": 3}, milestone="M1")


@pytest.fixture
def organization(database: Database) -> str:
    made = new_id("org")
    with Transactions(database, Queue({})).begin() as tx:
        tx.connection.execute("INSERT INTO organizations (id, handle, name) VALUES (%s, %s, %s)", (made, made.replace("_", "-"), "Ada"))
    return made


@pytest.fixture(params=["canonry"])
def tracker(request: pytest.FixtureRequest, database: Database) -> Tracker:
    assert request.param == "canonry"
    return LocalTracker(Transactions(database, Queue({})), Settings())


def _section(number: int = 1, *, repository: str = "rep_1", **fields: str) -> TicketWish:
    return TicketWish("PAY", fields.get("summary", "Retry"), repository_id=repository, fingerprint=f"docs/a:{number}")


def test_a_ticket_is_what_was_wished_for(tracker: Tracker, organization: str) -> None:
    made = tracker.create(organization, WISH)
    assert tracker.get(organization, made.id) == made
    assert (made.summary, made.description, made.state, made.milestone) == ("Retry", "Three times.", "todo", "M1")
    assert (list(made.labels), list(made.assignees), dict(made.custom_fields)) == (["payments"], ["ada"], {"points": 3})
    assert made.url.startswith("http")
    assert made.raw_status


def test_numbers_are_given_once(tracker: Tracker, organization: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: tracker.create(organization, WISH).id, range(20)))
    assert len(set(ids)) == 20


def test_a_section_has_one_ticket_however_often_it_is_asked_for(tracker: Tracker, organization: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: tracker.create(organization, _section()).id, range(8)))
    assert len(ids) == 1
    assert {tracker.create(organization, _section(2)).id, tracker.create(organization, _section(repository="rep_2")).id}.isdisjoint(ids)


def test_it_is_found_by_its_section_and_else_by_what_it_is_called(tracker: Tracker, organization: str) -> None:
    made, plain = tracker.create(organization, _section(summary="A")), tracker.create(organization, TicketWish("PAY", "B"))

    def find(fingerprint: str, summary: str | None, key: str = "PAY") -> str | None:
        found = tracker.find(organization, repository_id="rep_1", project_key=key, fingerprint=fingerprint, summary=summary)
        return found.id if found else None

    assert find("docs/a:1", None) == made.id
    assert find("docs/a:1", "B") == made.id
    assert find("docs/a:9", "B") == plain.id
    assert find("docs/a:9", "A") is None  # it is another section's
    assert find("docs/a:9", "B", "SHOP") is None
    assert find("docs/a:9", None) is None


def test_a_change_leaves_the_rest(tracker: Tracker, organization: str) -> None:
    made = tracker.create(organization, WISH)
    blocked = tracker.change(organization, made.id, TicketChange(state="blocked", blocked_by="PAY-9"))
    assert (blocked.state, blocked.blocked_by, blocked.summary) == ("blocked", "PAY-9", "Retry")
    done = tracker.change(organization, made.id, TicketChange(summary="Again", state="done", custom_fields={"team": "a"}))
    assert (done.state, done.blocked_by, done.summary, done.description) == ("done", None, "Again", "Three times.")
    assert dict(done.custom_fields) == {"points": 3, "team": "a"}
    assert tracker.change(organization, made.id, TicketChange(state="todo", raw_status="Ready")).raw_status == "Ready"


def test_a_pull_request_is_named_once(tracker: Tracker, organization: str) -> None:
    made = tracker.create(organization, WISH)
    for title in ("one", "two"):
        tracker.link_pull_request(organization, made.id, LinkedPull("https://example.com/1", title))
    assert list(tracker.get(organization, made.id).pull_requests) == [LinkedPull("https://example.com/1", "two")]


def test_what_is_not_there_or_of_another_organization_is_not_found(tracker: Tracker, organization: str) -> None:
    made = tracker.create(organization, WISH)
    for where, ticket in ((organization, "PAY-999"), ("org_other", made.id), (organization, "\0")):
        for ask in (
            lambda where=where, ticket=ticket: tracker.get(where, ticket),
            lambda where=where, ticket=ticket: tracker.change(where, ticket, TicketChange(state="done")),
            lambda where=where, ticket=ticket: tracker.link_pull_request(where, ticket, LinkedPull("https://example.com/1", "")),
        ):
            with pytest.raises(NotFound, match="ticket"):
                ask()
    with pytest.raises(NotFound):
        tracker.create(organization, TicketWish("PAY", "Part", parent_id="PAY-999"))
