"""Every operation that changes something writes exactly one event: who, with what, from where; and no secret is in it.

The operations are those that the application serves, so a new one is tried without anybody thinking of it: it needs a row in `ROWS`
(tests/support/mutations.py), which makes what it needs and says how to call it so that it succeeds.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.wiring.routes import API, ROOT
from tests.support.api import Api
from tests.support.mutation import Call, perform
from tests.support.mutations import ROWS, WITHOUT_A_ROW

ADDRESS = "192.0.2.77"
_SECRET_NAMES = ("secret", "token", "password", "recovery", "connection_string")
_SECRET_KEYS = frozenset({"key"})  # of an answer that shows one; elsewhere it is the name of a variable


def mutations() -> Iterator[str]:
    """Give every operation that is no GET, as the routers declare it; what is not available yet is not described."""
    for router in (*API, *ROOT):
        for route in router.routes:
            if router in API and not getattr(route, "include_in_schema", True):
                continue
            for method in sorted(set(getattr(route, "methods", None) or ()) - {"GET", "HEAD", "OPTIONS"}):
                yield f"{method} {getattr(route, 'path', '')}"


MUTATIONS = sorted(set(mutations()))


def test_every_mutation_has_a_row_and_every_row_is_one() -> None:
    missing = [name for name in MUTATIONS if name not in ROWS and name not in WITHOUT_A_ROW]
    assert missing == [], (
        "These operations have no row: add to ROWS in tests/support/mutations.py a function that makes what the operation needs and returns"
        " the call that succeeds; or, when it changes nothing that anybody would ask about later, a line with the reason to WITHOUT_A_ROW."
    )
    assert sorted({*ROWS, *WITHOUT_A_ROW} - set(MUTATIONS)) == []
    assert set(ROWS).isdisjoint(WITHOUT_A_ROW)


@pytest.mark.contract("Cantila", "activity audit")
@pytest.mark.parametrize("name", sorted(ROWS))
@pytest.mark.criterion("identity#one-event")
def test_a_mutation_writes_exactly_one_event_of_its_own(api: Api, name: str) -> None:
    method, _, path = name.partition(" ")
    call = ROWS[name](api)
    before = newest(api)
    if call.credential == "token":
        refused = api.ask(method, call.prefix + call.filled(path), call.body, raw=call.raw, headers=call.headers, token="cnr_" + "0" * 48)
        assert (refused.status, newest(api)) == (401, before)
    answer = perform(api, method, path, call, ADDRESS)
    assert answer.status < 400, answer.body
    rows = events_of(api, before, answer.headers["x-request-id"])
    assert len(rows) == call.events, [row["name"] for row in rows]
    event = rows[0]
    who = (event["user_id"], event["credential"].partition(" ")[0], event["address"])
    assert who == (call.user_id if call.user_id is not None else api.owner.user_id, call.credential, ADDRESS)
    assert event["credential"] == "" or event["credential"].partition(" ")[2] != ""
    says = event["before"] or event["after"] or [name for name in event["payload"] if not name.endswith("_id")]
    assert says or not call.tells, "it does not say what changed: emit(event, before=…, after=…)"
    text = json.dumps([[row["payload"], row["before"], row["after"]] for row in rows])
    for secret in secrets_of(api, call, answer.body):
        assert secret not in text, f"{event['name']} carries a secret"


@pytest.mark.contract("Cantila", "activity audit")
def test_an_event_is_shown_afterwards_and_cannot_be_changed_by_anybody(api: Api) -> None:
    slug = api.project("shop")
    shown = api.get("/v1/activity")["events"]
    assert shown[0]["name"] == "project.created"
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        for path in ("/v1/activity", f"/v1/activity/{shown[0]['id']}"):
            assert api.ask(method, path, {}).status in {404, 405}
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    assert api.get("/v1/activity")["events"][1:] == shown
    assert api.get("/v1/activity/verify")["ok"] is True


def newest(api: Api) -> int:
    """Return the id of the newest event."""
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    return int(row[0]) if row else 0


def events_of(api: Api, after: int, request_id: str) -> list[dict[str, Any]]:
    """Return the events behind `after` that one request caused."""
    with api.container.transactions.begin() as tx:
        cursor = tx.connection.execute("SELECT * FROM events WHERE id > %s AND request_id = %s ORDER BY id", (after, request_id))
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def secrets_of(api: Api, call: Call, body: bytes) -> Iterator[str]:
    """Give everything secret: what the call sent, what the answer shows once, and the caller's tokens."""
    yield from call.secrets
    yield from (api.owner.tokens[scope] for scope in Scope)
    if body[:1] == b"{":
        yield from _secrets_in(json.loads(body))


def _secrets_in(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets_in(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item, name)
    elif isinstance(value, str) and len(value) >= 20 and (name in _SECRET_KEYS or any(word in name.lower() for word in _SECRET_NAMES)):
        yield value
