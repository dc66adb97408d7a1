"""Databases on a server outside: what works there, and what is refused rather than pretended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from canonry.adapters.clusters import server
from canonry.adapters.clusters.server import OutsideClusters
from canonry.core.secret import Secret
from canonry.features.backups.restores import jobs
from canonry.features.databases import DatabaseRounds, delivery
from canonry.features.deployments.queue import RENEW
from canonry.infra.postgres import Postgres
from canonry.wiring.container import Container
from tests.support.api import Api, serving
from tests.support.databases import answers, ask, connected, made, row_of
from tests.support.dumps import dumped, restored_dump
from tests.support.restores import exchanged, moment
from tests.support.waiting import until


@pytest.fixture
def outside(container: Container, postgres_server: Postgres) -> Iterator[Api]:
    """Serve an API whose databases are on the tests' own server, reached as a role that is no superuser."""
    admin = postgres_server.database_url("postgres").reveal()
    ask(admin, "DROP ROLE IF EXISTS landlord")
    ask(admin, "CREATE ROLE landlord LOGIN CREATEDB CREATEROLE PASSWORD 'of-the-landlord'")
    host = admin.partition("?")[2]
    clusters = OutsideClusters(Secret(f"postgresql://landlord:of-the-landlord@/postgres?{host}"))
    with serving(container, clusters=clusters) as api:
        yield api
        for state in clusters.states():
            clusters.remove(state.id)
    ask(admin, "DROP ROLE landlord")


def reachable(api: Api, url: str) -> str:
    """Return the connection string with the server's socket: the tests' server listens on no port."""
    query = api.container.ports.clusters.admin_url("x").reveal().partition("?")[2]
    return url.replace(url[url.rindex("@") + 1 : url.rindex("/")], "") + f"?{query}"


@pytest.mark.criterion("databases#no-superuser")
def test_two_projects_share_a_server_and_see_nothing_of_each_other(outside: Api) -> None:
    first, second = outside.project(), outside.project()
    url, other = (reachable(outside, made(outside, slug)["connection_string"]) for slug in (first, second))
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    assert ask(url, "SELECT current_user = current_database()") == [(True,)]
    assert outside.get(f"/v1/projects/{first}/database")["status"] == "active"
    theirs = row_of(outside, second).cluster_id
    assert not answers(url.replace(f"/{row_of(outside, first).cluster_id}", f"/{theirs}"))
    assert answers(other)


def test_a_rotation_a_guest_and_the_end_work_as_here(outside: Api) -> None:
    slug = outside.project()
    first = reachable(outside, made(outside, slug)["connection_string"])
    ask(first, "CREATE TABLE t AS SELECT 1 AS n")
    second = reachable(outside, outside.ask("POST", f"/v1/projects/{slug}/database/rotate", {"now": True}).json["connection_string"])
    assert (answers(first), ask(second, "INSERT INTO t VALUES (2) RETURNING n")) == (False, [(2,)])
    guest = reachable(outside, outside.ask("POST", f"/v1/projects/{slug}/database/access").json["connection_string"])
    assert ask(guest, "SELECT count(*) FROM t") == [(2,)]
    assert outside.ask("DELETE", f"/v1/projects/{slug}/database").status == 204
    assert [answers(url) for url in (second, guest)] == [False, False]


def test_what_cannot_be_there_is_said(outside: Api) -> None:
    slug = outside.project()
    refused = outside.ask("POST", f"/v1/projects/{slug}/database", {"public": True})
    assert refused.error == (400, "invalid_database")
    assert "CANONRY_DATABASES_URL" in refused.json["message"]
    made(outside, slug)
    assert outside.ask("POST", f"/v1/projects/{slug}/database/upgrade").error == (409, "database_is_outside")


def test_a_dump_is_restored_beside_and_takes_the_place_of_the_live_one(outside: Api) -> None:
    """The one kind of restore there is without a data folder. The address changes, so the app is started anew."""
    slug = outside.project()
    url = reachable(outside, made(outside, slug)["connection_string"])
    ask(url, "CREATE TABLE notes (id serial PRIMARY KEY, body text); INSERT INTO notes (body) VALUES ('first'), ('second')")
    assert outside.ask("POST", f"/v1/projects/{slug}/database/backups").error == (503, "not_on_outside_server")
    dump = dumped(outside, slug)
    ask(url, "DELETE FROM notes")
    assert outside.ask("POST", f"/v1/projects/{slug}/database/restores", {"at": moment()}).error == (503, "not_on_outside_server")
    restore = restored_dump(outside, slug, dump["id"])
    assert (restore["state"], restore["error"]) == ("ready", None)
    assert [(item["live"], item["restored"]) for item in restore["difference"]["tables"]] == [(0, 2)]
    live = row_of(outside, slug)

    promoted = exchanged(outside, slug, restore, "promote")
    assert (promoted["state"], promoted["error"], promoted["pause_ms"]) == ("promoted", None, None)
    assert not answers(url)
    delivered = reachable(outside, delivered_to(outside, slug))
    assert ask(delivered, "INSERT INTO notes (body) VALUES ('third') RETURNING id") == [(3,)]
    assert renewals(outside) == 2  # of its creation, and of this

    undone = exchanged(outside, slug, restore, "undo")
    assert (undone["state"], undone["error"]) == ("ready", None)
    assert (row_of(outside, slug).id, answers(delivered), ask(url, "SELECT count(*) FROM notes")) == (live.id, False, [(0,)])
    assert outside.ask("DELETE", f"/v1/projects/{slug}/database/restores/{restore['id']}").status == 200
    jobs.clear(outside.container, restore["project_id"], restore["database_id"])
    assert [state.id for state in outside.container.ports.clusters.states()] == [live.cluster_id]


def delivered_to(api: Api, slug: str) -> str:
    project = api.get(f"/v1/projects/{slug}")["id"]
    with api.container.transactions.begin() as tx:
        return delivery(tx, api.container.vault, api.container.ports.clusters, project, "production")["DATABASE_URL"]


def renewals(api: Api) -> int:
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", (RENEW.name,)).fetchone()
    assert row is not None
    return int(row[0])


def test_two_who_remove_a_database_follow_each_other(outside: Api) -> None:
    """A restore that failed and the rounds come to it at the same moment: the second found roles that were just being dropped."""
    slug = outside.project()
    made(outside, slug)
    clusters, name = outside.container.ports.clusters, row_of(outside, slug).cluster_id
    waits = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {server._LOCK} AND NOT granted"  # noqa: S608 -- a number
    admin = clusters.admin_url(name).reveal()
    with ThreadPoolExecutor() as pool:
        with psycopg.connect(admin, autocommit=True) as first:
            first.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (server._LOCK, name))
            removals = [pool.submit(clusters.remove, name) for _ in range(2)]
            until(lambda: ask(admin, waits) == [(2,)], 60)
            assert clusters.state(name) is not None
        for removal in removals:
            removal.result(60)
    assert clusters.state(name) is None


def test_over_its_limit_writes_are_refused_there_too(outside: Api) -> None:
    slug = outside.project()
    url = reachable(outside, made(outside, slug, disk_mb=64)["connection_string"])
    ask(url, "CREATE TABLE t (x text)")
    ask(url, "ALTER TABLE t ALTER x SET STORAGE PLAIN")
    ask(url, "INSERT INTO t SELECT repeat('x', 7000) FROM generate_series(1, 9000)")
    rounds = DatabaseRounds(outside.container)
    rounds._look(row_of(outside, slug))
    assert ask(url, "SHOW default_transaction_read_only") == [("on",)]
    with connected(url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("TRUNCATE t")
    rounds._look(row_of(outside, slug))
    rounds.close()
    assert ask(url, "SHOW default_transaction_read_only") == [("off",)]
