"""What happens by the clock, on real servers: starting again, sleeping, waking, refusing writes, forgetting logins."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

from canonry.features.databases import DatabaseRounds, making, store
from canonry.features.databases.models import State
from canonry.wiring.clusters import clusters_of_this_machine
from tests.support.api import Api
from tests.support.databases import answers, ask, connected, made, row_of
from tests.support.waiting import until


@pytest.fixture
def rounds(api: Api) -> Iterator[DatabaseRounds]:
    rounds = DatabaseRounds(replace(api.container, settings=replace(api.container.settings, database_sleep=1)))
    rounds._every = 0.2
    yield rounds
    rounds.close()


def state(api: Api, slug: str) -> str:
    return str(api.get(f"/v1/projects/{slug}/database")["status"])


def until_round(rounds: DatabaseRounds, done: object) -> None:
    def look() -> bool:
        rounds.round()
        assert callable(done)
        return bool(done())

    until(look, 30)


def test_one_that_was_killed_runs_again(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    rounds._every = 3600  # its size is looked at seldom, its end is noticed all the same
    until_round(rounds, lambda: rounds._next_look)
    pid = api.container.ports.clusters.state(row_of(api, slug).cluster_id)
    assert pid is not None
    assert pid.pid is not None
    os.kill(pid.pid, signal.SIGKILL)
    until(lambda: state(api, slug) == "error")
    until_round(rounds, lambda: state(api, slug) == "active")
    assert ask(url, "SELECT n FROM t") == [(1,)]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a port be given up soon."""
    monkeypatch.setattr("canonry.features.databases.rounds._PORT_LOST", 0.5)
    monkeypatch.setattr("canonry.features.databases.rounds._AGAIN", 0.1)


@pytest.mark.usefixtures("taken")
def test_one_whose_port_somebody_else_has_gets_another(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    before = row_of(api, slug)
    clusters_of_this_machine(api.container.settings, api.container.home).shut_down()
    with socket.create_server(("127.0.0.1", before.port)):
        until_round(rounds, lambda: str(os.getpid()) in row_of(api, slug).reason)
        assert row_of(api, slug).port == before.port
        until_round(rounds, lambda: state(api, slug) == "active" and not row_of(api, slug).reason)
        after = row_of(api, slug)
        assert after.port != before.port
        assert ask(url.replace(f":{before.port}/", f":{after.port}/"), "SELECT n FROM t") == [(1,)]
    moved = [event for event in api.get("/v1/activity")["events"] if event["name"] == "database.moved"]
    assert [(event["before"], event["after"]) for event in moved] == [({"port": before.port}, {"port": after.port})]


@pytest.mark.usefixtures("taken")
def test_one_that_is_known_outside_waits_for_its_port(api: Api, rounds: DatabaseRounds, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []
    refuse = DatabaseRounds._refused
    monkeypatch.setattr(DatabaseRounds, "_refused", lambda self, row, error: (refuse(self, row, error), refused.append(error.code)))
    monkeypatch.setattr(rounds._restarts, "may", lambda _name: True)
    slug = api.project()
    url = made(api, slug, sleeps=False, public=True)["connection_string"]
    clusters_of_this_machine(api.container.settings, api.container.home).shut_down()
    with socket.create_server(("127.0.0.1", row_of(api, slug).port)):
        until_round(rounds, lambda: len(refused) > 8)
    until_round(rounds, lambda: state(api, slug) == "active")
    assert answers(url)
    assert set(refused) == {"port_taken"}


@pytest.mark.criterion("databases#wakes")
def test_one_that_nobody_uses_sleeps_and_the_next_connection_wakes_it(api: Api, rounds: DatabaseRounds) -> None:
    slug, awake = api.project(), api.project()
    url = made(api, slug)["connection_string"]
    made(api, awake, sleeps=False)
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET last_used_at = now() - interval '2 hours'")
    until_round(rounds, lambda: state(api, slug) == "sleeping")
    rounds.round()
    assert state(api, awake) == "active"
    api.container.ports.clusters.round()
    try:
        assert ask(url, "SELECT n FROM t") == [(1,)]
    finally:
        api.container.ports.clusters.close()
    assert state(api, slug) == "active"


@pytest.mark.criterion("databases#size-limit")
def test_over_its_limit_it_takes_no_writes_until_there_is_room(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, disk_mb=64, sleeps=False)["connection_string"]
    ask(url, "CREATE TABLE t (x text)")
    ask(url, "ALTER TABLE t ALTER x SET STORAGE PLAIN")
    ask(url, "INSERT INTO t SELECT repeat('x', 7000) FROM generate_series(1, 9000)")
    until_round(rounds, lambda: api.get(f"/v1/projects/{slug}/database")["read_only"])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        ask(url, "INSERT INTO t VALUES ('one more')")
    assert ask(url, "SELECT count(*) FROM t") == [(9000,)]
    with connected(url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("TRUNCATE t")
    until_round(rounds, lambda: not api.get(f"/v1/projects/{slug}/database")["read_only"])
    ask(url, "INSERT INTO t VALUES ('one more')")
    names = [event["name"] for event in api.get("/v1/activity")["events"]]
    assert [name for name in names if name in {"database.full", "database.has_room"}] == ["database.has_room", "database.full"]


def test_an_app_that_writes_on_all_the_same_is_kept_out_until_somebody_has_made_room(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, disk_mb=64, sleeps=False)["connection_string"]
    with api.container.transactions.begin() as tx:
        store.update(tx, row_of(api, slug).id, {"disk_mb": 8})  # less than can be asked for, so that there is less to write
    with psycopg.connect(url, autocommit=True) as hostile:
        hostile.execute("SET default_transaction_read_only = off")
        hostile.execute("CREATE UNLOGGED TABLE t (x text)")
        hostile.execute("ALTER TABLE t ALTER x SET STORAGE PLAIN")
        until_round(rounds, lambda: rounds._sizes)
        with suppress(psycopg.OperationalError):  # it may be in the middle of that when it is noticed
            hostile.execute("INSERT INTO t SELECT repeat('x', 7000) FROM generate_series(1, 11000)")
        until_round(rounds, lambda: "kept out" in api.get(f"/v1/projects/{slug}/database")["reason"])
        with pytest.raises(psycopg.OperationalError):
            hostile.execute("SELECT 1")
    assert not answers(url)
    guest = api.ask("POST", f"/v1/projects/{slug}/database/access").json["connection_string"]
    with connected(guest) as person:
        person.execute("SET default_transaction_read_only = off")
        person.execute("DROP TABLE t")
    until_round(rounds, lambda: answers(url))
    until_round(rounds, lambda: api.get(f"/v1/projects/{slug}/database")["reason"] == "")


def has_ended(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_files_of_sorts_count_and_go_with_their_session(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, disk_mb=64, sleeps=False)["connection_string"]
    with api.container.transactions.begin() as tx:
        store.update(tx, row_of(api, slug).id, {"disk_mb": 8})
    sort = "CURSOR FOR SELECT n, repeat('x', 100) FROM generate_series(1, 350000) AS n ORDER BY 2, 1 DESC"
    with psycopg.connect(url) as one, psycopg.connect(url) as two:  # each within what one session may have
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one.execute("SET temp_file_limit = -1")
        one.rollback()
        with suppress(psycopg.OperationalError):
            for hostile in (one, two):
                hostile.execute(f"DECLARE it {sort}".encode())
                hostile.execute("FETCH it")
        until_round(rounds, lambda: has_ended(one) and has_ended(two))
    until_round(rounds, lambda: answers(url))


@pytest.mark.criterion("databases#former-refused")
def test_the_login_before_a_rotation_is_refused_when_its_time_is_over(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    former = made(api, slug)["connection_string"]
    new = api.ask("POST", f"/v1/projects/{slug}/database/rotate").json["connection_string"]
    with psycopg.connect(former, autocommit=True) as held:
        rounds.round()
        assert answers(former)
        assert answers(new)
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE databases SET previous_until = now()")
        until_round(rounds, lambda: api.get(f"/v1/projects/{slug}/database")["rotation"] is None)
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
    assert not answers(former)
    assert answers(new)


def test_a_rotation_that_waits_lets_no_other_begin_but_one_that_refuses_all_others_now(api: Api) -> None:
    slug = api.project()
    first = made(api, slug)["connection_string"]
    second = api.ask("POST", f"/v1/projects/{slug}/database/rotate").json["connection_string"]
    assert api.ask("POST", f"/v1/projects/{slug}/database/rotate").error == (409, "rotation_under_way")
    third = api.ask("POST", f"/v1/projects/{slug}/database/rotate", {"now": True})
    assert third.json["rotation"] is None
    assert [answers(url) for url in (first, second, third.json["connection_string"])] == [False, False, True]


def test_guests_whose_time_is_over_go_with_nothing_lost(api: Api, rounds: DatabaseRounds) -> None:
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    guest = api.ask("POST", f"/v1/projects/{slug}/database/access").json
    ask(guest["connection_string"], "SET ROLE NONE; CREATE SCHEMA own; CREATE TABLE own.t AS SELECT 1 AS n")
    admin = api.container.ports.clusters.admin_url(row_of(api, slug).cluster_id, "app").reveal()
    ask(admin, f"ALTER ROLE {guest['access_user']} VALID UNTIL '2020-01-01'")
    until_round(rounds, lambda: ask(admin, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app\\_guest%'") == [(0,)])
    assert ask(url, "SELECT n FROM own.t") == [(1,)]


def test_what_a_crash_left_is_removed(api: Api, rounds: DatabaseRounds) -> None:
    half, condemned = api.project(), api.project()
    urls = [made(api, slug)["connection_string"] for slug in (half, condemned)]
    with api.container.transactions.begin() as tx:
        store.update(tx, row_of(api, half).id, {"state": str(State.CREATING)})
        tx.connection.execute("UPDATE databases SET created_at = now() - interval '1 hour' WHERE state = 'creating'")
        store.update(tx, row_of(api, condemned).id, {"state": str(State.REMOVING)})
    until_round(rounds, lambda: api.container.ports.clusters.states() == [])
    assert [answers(url) for url in urls] == [False, False]
    assert api.ask("GET", f"/v1/projects/{half}/database").error == (404, "database_not_found")


def test_one_that_cannot_start_says_why_and_the_others_go_on(api: Api, rounds: DatabaseRounds) -> None:
    slug, other = api.project(), api.project()
    made(api, slug, sleeps=False)
    made(api, other, sleeps=False)
    clusters = api.container.ports.clusters
    database = row_of(api, slug)
    clusters.stop(database.cluster_id)
    (clusters.folder(database.cluster_id) / "data" / "PG_VERSION").write_text("12\n")
    until_round(rounds, lambda: "12" in api.get(f"/v1/projects/{slug}/database")["reason"])
    assert state(api, slug) == "error"
    assert state(api, other) == "active"
    making.discard(api.container, database)
