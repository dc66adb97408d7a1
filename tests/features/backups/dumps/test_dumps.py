"""Dumps of databases: listed, downloaded, restored beside the live one, with real servers and a real archive."""

import json
import os
import subprocess
import urllib.parse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canonry.adapters.disk.memory import MemoryDisk
from canonry.core.access import Scope
from canonry.core.errors import Unavailable
from canonry.features.backups.archiving.service import archive_of
from canonry.features.backups.restores import archives, jobs
from canonry.infra.backup import counting
from tests.support.api import Api
from tests.support.databases import ask, made, row_of
from tests.support.dumps import ask_for_dump, dumped, file_of, kept_dump, restored_dump
from tests.support.killed_job import run_killed
from tests.support.restores import exchanged, look, moment

NOTES = """
CREATE EXTENSION pgcrypto;
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE notes (id serial PRIMARY KEY, body text NOT NULL CHECK (body <> ''), mood mood DEFAULT 'fine');
CREATE INDEX ON notes (lower(body));
CREATE FUNCTION next(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE INDEX ON notes (next(id));
CREATE VIEW loud AS SELECT upper(body) AS body FROM notes;
INSERT INTO notes (body) VALUES ('first'), ('second');
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM notes;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON notes USING (true);
"""


@pytest.fixture
def shop(api: Api) -> str:
    return api.project("shop")


def with_notes(api: Api, slug: str) -> str:
    url = str(made(api, slug)["connection_string"])
    ask(url, NOTES)
    return url


def events(api: Api, name: str) -> list[dict[str, Any]]:
    return [event for event in api.get("/v1/activity")["events"] if event["name"] == name]


def flip_a_bit(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(bytes(content))


def rewrite_info(api: Api, slug: str, dump: dict[str, Any], **changes: object) -> None:
    """Change what is said of a dump in the archive."""
    archive = archive_of(api.container, row_of(api, slug).cluster_id)
    name = f"dump/{archive.cluster}/{dump['id']}/info"
    values = json.loads(b"".join(archive.get(name)))
    archive.objects.delete(name)
    archive.put(name, [json.dumps(values | changes).encode()])


def test_a_dump_is_listed_with_what_it_holds(api: Api, shop: str) -> None:
    assert api.get(f"/v1/projects/{shop}/database/dumps") == {"dumps": [], "next_cursor": None}
    with_notes(api, shop)
    first, second = dumped(api, shop), dumped(api, shop)
    assert (first["state"], first["rows"], first["trigger"], first["error"]) == ("done", {"public.notes": 2}, "manual", None)
    assert first["data_bytes"] > first["size_bytes"] > 0
    page = api.get(f"/v1/projects/{shop}/database/dumps?limit=1")
    assert [item["id"] for item in page["dumps"]] == [second["id"]]
    rest = api.get(f"/v1/projects/{shop}/database/dumps?limit=1&cursor={urllib.parse.quote(page['next_cursor'])}")
    assert [item["id"] for item in rest["dumps"]] == [first["id"]]
    assert api.get(f"/v1/projects/{shop}/database/backups")["backups"][0]["id"] == second["id"]


def test_a_dump_is_downloaded_and_read_by_pg_restore_anywhere(api: Api, shop: str, tmp_path: Path) -> None:
    with_notes(api, shop)
    dump = dumped(api, shop)
    answer = api.ask("GET", f"/v1/projects/{shop}/database/dumps/{dump['id']}/content")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.headers["content-disposition"].startswith('attachment; filename="shop-')
    file = tmp_path / "shop.dump"
    file.write_bytes(answer.body)
    program = archives.programs(api.container) / "pg_restore"
    script = subprocess.run([program, "--file=-", file], capture_output=True, text=True, check=True).stdout
    assert "CREATE TABLE public.notes" in script
    assert "second" in script
    with api.container.transactions.begin() as tx:
        query = "SELECT payload, user_id, credential FROM events WHERE name = 'database_dump.downloaded'"
        ((payload, user_id, credential),) = tx.connection.execute(query).fetchall()
    assert (payload["backup_id"], user_id, credential.partition(" ")[0]) == (dump["id"], api.owner.user_id, "token")


def test_who_may_only_read_downloads_nothing(api: Api, shop: str) -> None:
    made(api, shop)
    dump, token = kept_dump(api.container, shop), api.owner.tokens[Scope.READ]
    at = f"/v1/projects/{shop}/database/dumps/{dump}"
    assert api.ask("GET", at, token=token).status == 200
    assert api.ask("GET", f"{at}/content", token=token).error == (403, "insufficient_scope")
    assert api.ask("GET", f"{at}/content").body == b"PGDMP and so on"
    assert len(events(api, "database_dump.downloaded")) == 1
    assert api.ask("GET", f"/v1/projects/{shop}/database/dumps/dbk_0000000000000000").error == (404, "dump_not_found")


def test_a_dump_is_restored_beside_and_promoted_and_that_undone(api: Api, shop: str) -> None:
    url = with_notes(api, shop)
    dump = dumped(api, shop)
    ask(url, "DELETE FROM notes WHERE id = 2; CREATE TABLE later (id int)")
    restore = restored_dump(api, shop, dump["id"])
    assert (restore["state"], restore["dump_id"], restore["at"]) == ("ready", dump["id"], dump["at"]), restore
    changes = {item["table"]: (item["change"], item["live"], item["restored"]) for item in restore["difference"]["tables"]}
    assert changes == {"public.notes": ("rows", 1, 2), "public.later": ("only_live", 0, None)}
    assert ask(url, "SELECT count(*) FROM notes") == [(1,)]

    access = api.ask("POST", f"/v1/projects/{shop}/databases/{restore['database_id']}/access", {}).json["connection_string"]
    assert ask(access, "SELECT body FROM loud ORDER BY 1") == [("FIRST",), ("SECOND",)]
    assert ask(access, "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'") == [("app",)]
    assert ask(access, "SELECT count FROM counted") == [(2,)]
    assert ask(access, "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'notes'") == [(True,)]
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"
    ask(url, "INSERT INTO notes (body) VALUES ('third'); ALTER TABLE notes ADD more text; DROP EXTENSION pgcrypto")
    assert ask(url, "SELECT id, body FROM notes ORDER BY id") == [(1, "first"), (2, "second"), (3, "third")]
    assert exchanged(api, shop, restore, "undo")["state"] == "ready"
    assert ask(url, "SELECT count(*) FROM later") == [(0,)]
    discarded = api.ask("DELETE", f"/v1/projects/{shop}/database/restores/{restore['id']}")
    assert discarded.json["restore"]["state"] == "discarded"


def test_a_database_that_was_deleted_comes_back_from_its_dump(api: Api, shop: str) -> None:
    with_notes(api, shop)
    dump = dumped(api, shop)
    assert api.ask("DELETE", f"/v1/projects/{shop}/database").status == 204
    url = str(made(api, shop)["connection_string"])
    restore = restored_dump(api, shop, dump["id"])
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]


def test_what_a_dump_carries_out_may_no_more_than_the_app(api: Api, shop: str) -> None:
    """A check of the app's is evaluated while its rows are loaded: there it is nobody special."""
    url = with_notes(api, shop)
    ask(url, """CREATE TABLE traps (id int);
        CREATE FUNCTION spring(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
            RESET ROLE; RETURN NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user); END $$;
        INSERT INTO traps VALUES (1); ALTER TABLE traps ADD CHECK (public.spring(id))""")  # fmt: skip
    restore = restored_dump(api, shop, dumped(api, shop)["id"])
    assert (restore["state"], restore["error"]) == ("ready", None)


def test_one_flipped_bit_restores_nothing_and_is_known_from_then_on(api: Api, shop: str) -> None:
    url = with_notes(api, shop)
    ask(url, "INSERT INTO notes (body) SELECT md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 90000) AS n")
    dump, good = dumped(api, shop), dumped(api, shop)
    path = file_of(api, dump)
    flip_a_bit(path, path.stat().st_size - 1000)
    restore = restored_dump(api, shop, dump["id"])
    assert (restore["state"], restore["error"]["code"]) == ("failed", "backup_damaged")
    assert [row["role"] for row in api.get(f"/v1/projects/{shop}/databases")["databases"]] == ["live"]
    assert ask(url, "SELECT count(*) FROM notes") == [(90_002,)]
    listed = {item["id"]: item for item in api.get(f"/v1/projects/{shop}/database/dumps")["dumps"]}
    assert (listed[dump["id"]]["state"], listed[good["id"]]["state"]) == ("unreadable", "done")
    for method, path_, body in (("POST", "restores", {"dump": dump["id"]}), ("GET", f"dumps/{dump['id']}/content", None)):
        assert api.ask(method, f"/v1/projects/{shop}/database/{path_}", body).error == (409, "dump_unreadable")
    assert len(events(api, "database_backup.unreadable")) == 1
    assert restored_dump(api, shop, good["id"])["state"] == "ready"


def test_a_download_that_turns_out_damaged_breaks_off_and_the_dump_says_why(api: Api, shop: str) -> None:
    made(api, shop)
    dump = {"id": kept_dump(api.container, shop, os.urandom(5 << 20))}
    path, at = file_of(api, dump), f"/v1/projects/{shop}/database/dumps/{dump['id']}"
    flip_a_bit(path, path.stat().st_size - 1000)
    with pytest.raises(Exception, match="IncompleteRead"):
        api.ask("GET", f"{at}/content")
    assert api.get(at)["dump"]["error"]["code"] == "backup_damaged"
    other = {"id": kept_dump(api.container, shop)}
    flip_a_bit(file_of(api, other), 100)
    assert api.ask("GET", f"/v1/projects/{shop}/database/dumps/{other['id']}/content").error == (409, "backup_damaged")


def test_a_dump_of_a_newer_postgres_is_refused(api: Api, shop: str) -> None:
    url = with_notes(api, shop)
    dump = dumped(api, shop)
    rewrite_info(api, shop, dump, version=990_002)
    restore = restored_dump(api, shop, dump["id"])
    assert (restore["state"], restore["error"]["code"]) == ("failed", "dump_version")
    assert "PostgreSQL 99" in restore["error"]["message"]
    assert f"canonry db dump {dump['id']}" in restore["error"]["hint"]
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    assert len(api.get(f"/v1/projects/{shop}/databases")["databases"]) == 1


def test_without_room_on_the_disk_nothing_is_begun(api: Api, shop: str) -> None:
    url = with_notes(api, shop)
    restore = ask_for_dump(api, shop, dumped(api, shop)["id"])
    disk = MemoryDisk()
    disk.free = (api.container.settings.disk_reserve + 1) << 20
    jobs.prepare(replace(api.container, ports=replace(api.container.ports, disk=disk)), restore["project_id"], restore["id"])
    found = look(api, shop, restore)
    assert (found["state"], found["error"]["code"]) == ("failed", "disk_full")
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    assert len(api.container.ports.clusters.states()) == 1


def test_a_disk_that_fills_while_it_is_loaded_is_named(api: Api, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without room for its WAL ends, and pg_restore knows only that nobody answers any more."""
    with_notes(api, shop)
    restore = ask_for_dump(api, shop, dumped(api, shop)["id"])
    disk = MemoryDisk()

    def fill(*_: object, **__: object) -> None:
        disk.free = 1 << 20
        raise Unavailable("backup_failed", "Restoring the dump failed: server closed the connection unexpectedly", hint="")

    monkeypatch.setattr("canonry.infra.backup.dump.restore", fill)
    jobs.prepare(replace(api.container, ports=replace(api.container.ports, disk=disk)), restore["project_id"], restore["id"])
    found = look(api, shop, restore)
    assert (found["state"], found["error"]["code"]) == ("failed", "disk_full")
    assert "canonry disk" in found["error"]["hint"]
    assert len(api.container.ports.clusters.states()) == 1


@pytest.mark.parametrize(("body", "error"), [
    ({"dump": "dbk_0000000000000000"}, (404, "dump_not_found")), ({"dump": "x", "at": "2026-11-22T10:00:00Z"}, (400, "validation_failed")),
    ({"dump": ""}, (400, "validation_failed")), ({"dump": 7}, (400, "validation_failed")),
    ({"dump": "a\u0000"}, (400, "validation_failed")),
])  # fmt: skip
def test_what_is_no_dump_is_refused(api: Api, shop: str, body: object, error: object) -> None:
    made(api, shop)
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores", body).error == error


def test_one_that_runs_or_failed_and_a_backup_that_is_none_are_refused(api: Api, shop: str) -> None:
    made(api, shop)
    dump = kept_dump(api.container, shop)
    at = f"/v1/projects/{shop}/database/restores"
    for change, error in (
        ("state = 'running'", (409, "dump_not_ready")),
        ("""state = 'failed', error = '{"code": "disk_full", "message": "No room.", "hint": ""}'""", (409, "dump_failed")),
        ("kind = 'full'", (404, "dump_not_found")),
    ):
        with api.container.transactions.begin() as tx:
            tx.connection.execute(f"UPDATE database_backups SET {change}".encode())  # noqa: S608 -- our own words
        assert api.ask("POST", at, {"dump": dump}).error == error
    assert api.get(at)["restores"] == []


def test_the_dump_of_another_project_is_unknown(api: Api, shop: str) -> None:
    made(api, shop)
    other = api.project("other")
    made(api, other)
    dump = kept_dump(api.container, other)
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores", {"dump": dump}).error == (404, "dump_not_found")
    assert api.ask("GET", f"/v1/projects/{shop}/database/dumps/{dump}/content").error == (404, "dump_not_found")


@pytest.mark.slow
@pytest.mark.parametrize("at", [
    "canonry.features.databases.exchange:emptied:return", "canonry.infra.backup.programs:_close:start",
    "canonry.infra.backup.dump:analyze:start", "canonry.features.databases.exchange:ready:return",
])  # fmt: skip
def test_a_restore_of_a_dump_that_is_killed_is_finished_by_the_next_process(api: Api, shop: str, tmp_path: Path, at: str) -> None:
    url = with_notes(api, shop)
    dump = dumped(api, shop)
    ask(url, "DELETE FROM notes")
    restore = ask_for_dump(api, shop, dump["id"])
    names = {"project_id": restore["project_id"], "restore_id": restore["id"]}
    run_killed(api.container, "restores.prepare", at, tmp_path, **names)
    assert look(api, shop, restore)["state"] == "preparing"
    assert ask(url, "SELECT count(*) FROM notes") == [(0,)]
    jobs.prepare(api.container, **names)
    found = look(api, shop, restore)
    assert (found["state"], [item["restored"] for item in found["difference"]["tables"]]) == ("ready", [2])
    assert len(api.container.ports.clusters.states()) == 2
    target = next(row for row in api.get(f"/v1/projects/{shop}/databases")["databases"] if row["role"] == "restored")
    assert counting.count(api.container.ports.clusters.admin_url(target["id"]))["app"] == {"public.notes": 2}


def test_a_moment_is_asked_for_as_before(api: Api, shop: str) -> None:
    made(api, shop)
    assert api.ask("POST", f"/v1/projects/{shop}/database/restores", {"at": moment()}).error == (400, "moment_out_of_reach")
