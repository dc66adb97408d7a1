"""Restoring a database beside the live one, promoting, undoing, discarding: with real servers and a real archive."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from canonry.core.access import Scope
from canonry.core.errors import Unavailable
from canonry.features.backups.archiving import service as archiving
from canonry.features.backups.archiving.models import Due, Kind, Trigger
from canonry.features.backups.restores import jobs, moments
from canonry.features.databases import making
from tests.support.api import Api
from tests.support.databases import ask, made, row_of
from tests.support.restores import ask_for, exchanged, look, moment, restored, with_backup


@pytest.fixture
def shop(api: Api) -> str:
    return api.project("shop")


def test_a_project_deletes_its_tables_and_has_them_again_as_they_were_a_second_before(api: Api, shop: str) -> None:
    url = with_backup(api, shop)
    ask(url, "INSERT INTO notes (body) VALUES ('third')")
    time.sleep(1)
    before = moment()
    time.sleep(1)
    ask(url, "DROP TABLE notes; CREATE TABLE later (id int)")

    restore = restored(api, shop, before)
    assert restore["state"] == "ready", restore
    changes = {item["table"]: (item["change"], item["live"], item["restored"]) for item in restore["difference"]["tables"]}
    assert changes == {"public.notes": ("only_restored", None, 3), "public.later": ("only_live", 0, None)}
    assert row_of(api, shop).role == "live"
    with pytest.raises(psycopg.errors.UndefinedTable):
        ask(url, "SELECT * FROM notes")

    access = api.ask("POST", f"/v1/projects/{shop}/databases/{restore['database_id']}/access", {}).json["connection_string"]
    assert ask(access, "SELECT body FROM notes ORDER BY id") == [("first",), ("second",), ("third",)]

    promoted = exchanged(api, shop, restore, "promote")
    assert (promoted["state"], promoted["error"]) == ("promoted", None)
    assert promoted["pause_ms"] > 0
    assert ask(url, "SELECT count(*) FROM notes") == [(3,)]  # the same address, the same password
    ask(url, "INSERT INTO notes (body) VALUES ('written after')")
    roles = {row["id"]: row["role"] for row in api.get(f"/v1/projects/{shop}/databases")["databases"]}
    assert roles == {restore["database_id"]: "live", restore["live_database_id"]: "retired"}

    undone = exchanged(api, shop, restore, "undo")
    assert (undone["state"], undone["error"]) == ("ready", None)
    assert ask(url, "SELECT count(*) FROM later") == [(0,)]
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"
    assert ask(url, "SELECT count(*) FROM notes") == [(4,)]


def test_changes_that_the_database_had_to_let_go_are_not_said_to_be_in_the_archive(api: Api, shop: str) -> None:
    with_backup(api, shop)
    database = row_of(api, shop)
    clusters = api.container.ports.clusters
    with psycopg.connect(clusters.admin_url(database.cluster_id).reveal(), autocommit=True) as admin:
        row = admin.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    assert row is not None
    (clusters.folder(database.cluster_id) / "spool" / "GAP").write_text(f"{int(time.time())} {row[0]}\n")
    with pytest.raises(Unavailable) as caught:
        moments.bring_up_to_date(api.container, database)
    assert caught.value.code == "archive_behind"


def test_clients_that_write_all_the_time_only_wait_and_every_row_they_know_of_is_there(api: Api, shop: str) -> None:
    url = with_backup(api, shop)
    ask(url, "CREATE TABLE beats (n int PRIMARY KEY)")
    known: list[int] = []
    longest = 0.0
    stop = threading.Event()

    def write() -> None:
        nonlocal longest
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        number, began = 0, time.monotonic()
        while not stop.is_set():
            try:
                connection = connection or psycopg.connect(url, autocommit=True, connect_timeout=10)
                connection.execute("INSERT INTO beats VALUES (%s)", (number,))
            except psycopg.OperationalError:
                connection = None
                number += 1
                continue
            known.append(number)
            number += 1
            longest = max(longest, time.monotonic() - began)
            began = time.monotonic()
        if connection is not None:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.5)
    at = moment()
    upto = len(known)
    restore = restored(api, shop, at)
    assert restore["state"] == "ready", restore
    promoted = exchanged(api, shop, restore, "promote")
    time.sleep(0.3)
    stop.set()
    writer.join(60)
    assert promoted["state"] == "promoted"
    here = {row[0] for row in ask(url, "SELECT n FROM beats")}
    assert set(known[:upto]) <= here
    exchanged(api, shop, restore, "undo")
    there = {row[0] for row in ask(url, "SELECT n FROM beats")}
    assert set(known) <= here | there


def test_of_two_promotes_the_newer_is_undone_first(api: Api, shop: str) -> None:
    url = with_backup(api, shop)
    first = restored(api, shop, moment())
    ask(url, "INSERT INTO notes (body) VALUES ('third')")
    second = restored(api, shop, moment())
    assert exchanged(api, shop, first, "promote")["state"] == "promoted"
    assert exchanged(api, shop, second, "promote")["state"] == "promoted"
    assert ask(url, "SELECT count(*) FROM notes") == [(3,)]
    refused = exchanged(api, shop, first, "undo")
    assert (refused["state"], refused["error"]["code"]) == ("promoted", "database_moved_on")
    assert exchanged(api, shop, second, "undo")["state"] == "ready"
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    assert exchanged(api, shop, first, "undo")["state"] == "ready"
    assert ask(url, "SELECT count(*) FROM notes") == [(3,)]


def test_a_promote_leaves_a_database_alone_that_somebody_works_on(api: Api, shop: str) -> None:
    """An upgrade, say: nothing is exchanged under it, and its claim stays."""
    with_backup(api, shop)
    restore, live = restored(api, shop, moment()), row_of(api, shop)
    with making.claimed(api.container, live.id, 600):
        refused = exchanged(api, shop, restore, "promote")
        assert (refused["state"], refused["error"]["code"]) == ("ready", "database_busy")
        assert row_of(api, shop).id == live.id
        assert making.is_busy(row_of(api, shop))
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"


def test_a_restored_database_is_discarded_and_the_live_one_stays(api: Api, shop: str) -> None:
    url = with_backup(api, shop)
    restore = restored(api, shop, moment())
    answer = api.ask("DELETE", f"/v1/projects/{shop}/database/restores/{restore['id']}")
    assert answer.json["restore"]["state"] == "discarded"
    jobs.clear(api.container, restore["project_id"], restore["database_id"])
    jobs.clear(api.container, restore["project_id"], restore["live_database_id"])  # what is live is never cleared
    assert [row["role"] for row in api.get(f"/v1/projects/{shop}/databases")["databases"]] == ["live"]
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores/{restore['id']}/promote").error == (409, "restore_not_ready")


def test_a_database_that_was_deleted_by_mistake_comes_back_into_a_new_one(api: Api, shop: str) -> None:
    url = with_backup(api, shop)
    kept = archiving.make(api.container, row_of(api, shop), Due(Kind.FULL, Trigger.MANUAL))
    assert kept is not None
    first, at = row_of(api, shop), moment()
    ask(url, "INSERT INTO notes (body) VALUES ('third')")
    moments.bring_up_to_date(api.container, first)
    assert api.ask("DELETE", f"/v1/projects/{shop}/database").status == 204
    url = str(made(api, shop)["connection_string"])
    spans = api.get(f"/v1/projects/{shop}/database/reach")
    restore = restored(api, shop, at)
    assert restore["state"] == "ready", (restore, spans)
    assert [(item["table"], item["live"], item["restored"]) for item in restore["difference"]["tables"]] == [("public.notes", None, 2)]
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    answer = api.ask("POST", f"/v1/projects/{shop}/database/restores", {"backup": kept.id})
    assert answer.status == 202, answer.body
    other = api.project()
    made(api, other)
    assert api.ask("POST", f"/v1/projects/{other}/database/restores", {"at": at}).error == (400, "moment_out_of_reach")
    assert api.ask("POST", f"/v1/projects/{other}/database/restores", {"backup": kept.id}).error == (404, "backup_not_found")


def test_a_moment_out_of_reach_is_refused_and_the_range_is_named(api: Api, shop: str) -> None:
    with_backup(api, shop)
    (span,) = api.get(f"/v1/projects/{shop}/database/reach")["spans"]
    early = (datetime.fromisoformat(span["start"]) - timedelta(minutes=1)).isoformat()
    for at in (early, (datetime.now(UTC) + timedelta(minutes=5)).isoformat()):
        answer = api.ask("POST", f"/v1/projects/{shop}/database/restores", {"at": at})
        assert answer.error == (400, "moment_out_of_reach")
        assert span["start"][:19] in answer.json["message"]
    assert api.get(f"/v1/projects/{shop}/database/restores")["restores"] == []


@pytest.mark.parametrize(("body", "code"), [
    ({}, "validation_failed"), ({"at": "2026-11-22T10:00:00Z", "backup": "bak_1"}, "validation_failed"),
    ({"at": "yesterday"}, "invalid_moment"),
    ({"at": "2026-11-22 10:31:07"}, "zone_missing"), ({"at": "2026-11-22T10:31:07Z", "more": 1}, "validation_failed"),
])  # fmt: skip
def test_what_is_no_moment_is_refused(api: Api, shop: str, body: object, code: str) -> None:
    made(api, shop)
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores", body).error == (400, code)


def test_of_two_restores_at_once_the_second_is_refused(api: Api, shop: str) -> None:
    with_backup(api, shop)
    first = ask_for(api, shop, moment())
    again = api.ask("POST", f"/v1/projects/{shop}/database/restores", {"at": moment()})
    assert again.error == (409, "restore_in_progress")
    jobs.prepare(api.container, first["project_id"], first["id"])
    assert look(api, shop, first)["state"] == "ready"
    assert restored(api, shop, moment())["state"] == "ready"
    assert restored(api, shop, moment())["state"] == "ready"
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores", {"at": moment()}).error == (409, "too_many_restores")


def test_a_backup_of_the_project_names_a_moment_of_its_database(api: Api, shop: str) -> None:
    api.deploy(shop, {"index.html": "hello"})
    early = api.ask("POST", f"/v1/projects/{shop}/backups").json["backup"]["id"]
    url = with_backup(api, shop)
    kept = api.ask("POST", f"/v1/projects/{shop}/backups").json["backup"]["id"]
    ask(url, "DELETE FROM notes")
    at = f"/v1/projects/{shop}/database/restores"
    assert api.ask("POST", at, {"backup": early}).error == (409, "backup_without_database")
    assert api.ask("POST", at, {"backup": "bak_0000000000000000"}).error == (404, "backup_not_found")
    restore = api.ask("POST", at, {"backup": kept}).json["restore"]
    jobs.prepare(api.container, restore["project_id"], restore["id"])
    (table,) = look(api, shop, restore)["difference"]["tables"]
    found = (table["table"], table["live"], table["restored"], table["column"], table["newest_restored"])
    assert found == ("public.notes", 0, 2, "id", "2")


def test_reading_scope_looks_and_does_nothing(api: Api, shop: str) -> None:
    with_backup(api, shop)
    at, token = f"/v1/projects/{shop}/database/restores", api.owner.tokens[Scope.READ]
    assert api.ask("GET", at, token=token).status == 200
    assert api.ask("POST", at, {"at": moment()}, token=token).status == 403
    assert api.ask("GET", f"{at}/rst_0000000000000000").error == (404, "restore_not_found")
