"""The walk of an upgrade around the adapter's own (tests/contracts/test_clusters.py): what is kept, and what a failure leaves.

Where the steps are looked at, the newer PostgreSQL is pretended; the last test goes from a real 15 to ours.
"""

from urllib.parse import urlsplit

import pytest

from canonry.core.errors import Unavailable
from canonry.features.databases.delivery import spec_of
from canonry.infra.files import remove_tree
from canonry.infra.postgres import programs
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of
from tests.support.old_postgres import older_data, older_programs


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


def _made_by_an_older_canonry(api: Api, slug: str) -> str:
    """Give a project a database whose data is of PostgreSQL 15, and return the app's address."""
    clusters, address = api.container.ports.clusters, made(api, slug)["connection_string"]
    database, login = row_of(api, slug), str(urlsplit(address).username)
    admin = clusters.admin_url(database.cluster_id).reveal()
    sealed = dict(ask(admin, "SELECT rolname, rolpassword FROM pg_authid"))[login]
    clusters.stop(database.cluster_id)
    remove_tree(clusters.folder(database.cluster_id) / "data")
    data = api.container.home.databases / f"{database.cluster_id}.made"
    older_data(data, older_programs(api.container.home.toolchains))
    clusters.adopt(database.cluster_id, data)
    clusters.start(spec_of(database))
    inside = clusters.admin_url(database.cluster_id, clusters.names(database.cluster_id).database).reveal()
    ask(inside, f"GRANT ALL ON SCHEMA public TO app; CREATE ROLE \"{login}\" LOGIN PASSWORD '{sealed}' IN ROLE app")
    ask(inside, f'ALTER ROLE "{login}" SET role = app')
    return str(address)


def test_data_of_a_real_older_version_is_moved(api: Api) -> None:
    slug = api.project()
    url = _made_by_an_older_canonry(api, slug)
    ask(url, "CREATE TABLE t AS SELECT generate_series(1, 100) AS n")
    assert ask(url, "SELECT current_setting('server_version_num')::int / 10000") == [(15,)]
    answer = api.ask("POST", f"/v1/projects/{slug}/database/upgrade")
    assert answer.status == 200, answer.body
    newest = programs.major_version(programs.unpack(api.container.home.toolchains))
    assert str(answer.json["version"]).split(".")[0] == str(newest)
    assert ask(url, "SELECT sum(n), current_setting('server_version_num')::int / 10000 FROM t") == [(5050, newest)]
    kept = next(row["id"] for row in api.get(f"/v1/projects/{slug}/databases")["databases"] if row["role"] == "retired")
    before = api.ask("POST", f"/v1/projects/{slug}/databases/{kept}/access").json["connection_string"]
    assert ask(before, "SELECT sum(n), current_setting('server_version_num')::int / 10000 FROM t") == [(5050, 15)]
