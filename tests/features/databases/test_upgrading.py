"""The walk of an upgrade around the adapter's own (tests/contracts/test_clusters.py): what is kept, and what a failure leaves.

There is one PostgreSQL on this machine, so the newer one is pretended: only the adapter could tell the difference.
"""

import pytest

from canonry.core.errors import Unavailable
from canonry.infra.postgres import programs
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of


@pytest.fixture
def newer(api: Api, monkeypatch: pytest.MonkeyPatch) -> type:
    """Let this Canonry bring a PostgreSQL 19, and give the class of its clusters."""
    monkeypatch.setattr(programs, "major_version", lambda _programs: 19)
    return type(api.container.ports.clusters)


def test_what_it_was_is_kept_beside_it_and_the_app_connects_as_before(api: Api, newer: type, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    url = made(api, slug)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    monkeypatch.setattr(newer, "upgrade", lambda _self, _cluster: 19)
    answer = api.ask("POST", f"/v1/projects/{slug}/database/upgrade")
    assert answer.status == 200, answer.body
    assert ask(url, "SELECT n FROM t") == [(1,)]
    rows = api.get(f"/v1/projects/{slug}/databases")["databases"]
    assert [(row["role"], row["source"]) for row in rows] == [("live", None), ("retired", row_of(api, slug).id)]
    kept = api.ask("POST", f"/v1/projects/{slug}/databases/{rows[1]['id']}/access").json["connection_string"]
    assert ask(kept, "SELECT n FROM t") == [(1,)]
    (event,) = [event for event in api.get("/v1/activity")["events"] if event["name"] == "database.upgraded"]
    assert event["after"]["kept"] == rows[1]["id"]
    assert api.ask("DELETE", f"/v1/projects/{slug}/databases/{rows[1]['id']}").status == 204
    assert answers(url)


def test_one_that_fails_leaves_everything_as_it_was(api: Api, newer: type, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    url = made(api, slug)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")

    def fail(_self: object, _cluster: str) -> int:
        raise Unavailable("upgrade_failed", "The new server does not take the old data.", hint="Read its log.")

    monkeypatch.setattr(newer, "upgrade", fail)
    assert api.ask("POST", f"/v1/projects/{slug}/database/upgrade").error == (503, "upgrade_failed")
    assert row_of(api, slug).busy_until is None
    assert [row["role"] for row in api.get(f"/v1/projects/{slug}/databases")["databases"]] == ["live"]
    assert ask(url, "SELECT n FROM t") == [(1,)]
