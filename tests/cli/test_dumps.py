"""`canonry db dumps`, `db dump`, `db restore --dump`."""

import json
from pathlib import Path

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

AT = "/v1/projects/my-site/database"
DUMP = {
    "id": "dbk_1", "trigger": "daily", "state": "done", "at": "2026-11-22T10:31:07+00:00", "size_bytes": 1 << 20, "data_bytes": 8 << 20,
    "rows": {"public.notes": 2, "public.users": 40}, "error": None, "started_at": "2026-11-22T10:31:07+00:00",
    "ended_at": "2026-11-22T10:31:08+00:00",
}  # fmt: skip
RUNNING = {**DUMP, "id": "dbk_2", "state": "running", "at": None, "rows": {}, "size_bytes": 0}
CONTENT = b"PGDMP\x00" + bytes(range(256)) * 5000


@pytest.fixture
def dumps(server: ApiServer) -> ApiServer:
    server.refusals[f"{AT}/dumps"] = (200, {"dumps": [RUNNING, DUMP], "next_cursor": None})
    server.refusals[f"{AT}/dumps/dbk_1"] = (200, {"dump": DUMP})
    server.files[f"{AT}/dumps/dbk_1/content"] = CONTENT
    return server


def test_dumps_are_listed(canonry: RunCli, dumps: ApiServer) -> None:
    lines = canonry("db", "dumps").stdout.splitlines()
    assert lines[1].split()[:2] == ["dbk_2", "running"]
    assert lines[2].split()[:8] == ["dbk_1", "done", "2026-11-22T10:31:07+00:00", "daily", "2", "42", "1.0", "MiB"]
    assert json.loads(canonry("db", "dumps", "--json").stdout) == [RUNNING, DUMP]
    dumps.refusals[f"{AT}/dumps"] = (200, {"dumps": [], "next_cursor": None})
    assert "canonry db backup --dump" in canonry("db", "dumps").stderr


def test_the_newest_that_is_done_is_downloaded_into_a_file_of_its_own(canonry: RunCli, dumps: ApiServer, tmp_path: Path) -> None:
    done = canonry("db", "dump", "--output", str(tmp_path / "kept.dump"))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'kept.dump'}\n"), done.stderr
    assert (tmp_path / "kept.dump").read_bytes() == CONTENT
    assert (tmp_path / "kept.dump").stat().st_mode & 0o777 == 0o600
    assert "pg_restore --no-owner" in done.stderr
    assert list(tmp_path.glob(".*part")) == []
    shown = json.loads(canonry("db", "dump", "dbk_1", "--output", str(tmp_path / "again.dump"), "--json").stdout)
    assert shown == {"dump": DUMP, "file": str(tmp_path / "again.dump"), "bytes": len(CONTENT)}
    assert len(dumps.asked("GET", f"{AT}/dumps/dbk_1/content")) == 2


def test_it_goes_to_standard_output(canonry: RunCli, dumps: ApiServer) -> None:
    dumps.files[f"{AT}/dumps/dbk_1/content"] = b"PGDMP and so on"
    done = canonry("db", "dump", "-o", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "PGDMP and so on", "")


def test_a_file_that_is_there_stays_unless_it_is_said(canonry: RunCli, dumps: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "kept.dump"
    file.write_bytes(b"of last year")
    refused = canonry("db", "dump", "--output", str(file))
    assert (refused.returncode != 0, "is there already" in refused.stderr, file.read_bytes()) == (True, True, b"of last year")
    assert canonry("db", "dump", "--output", str(file), "--force").returncode == 0
    assert file.read_bytes() == CONTENT
    assert "is a folder" in canonry("db", "dump", "--output", str(tmp_path)).stderr
    assert "cannot be written" in canonry("db", "dump", "--output", str(tmp_path / "no" / "such" / "file")).stderr
    assert len(dumps.asked("GET", f"{AT}/dumps/dbk_1/content")) == 1


def test_one_that_breaks_off_leaves_no_file_and_says_why(canonry: RunCli, dumps: ApiServer, tmp_path: Path) -> None:
    dumps.files[f"{AT}/dumps/dbk_1/content"] = None
    done = canonry("db", "dump", "dbk_1", "--output", str(tmp_path / "kept.dump"))
    assert (done.returncode != 0, "The connection to" in done.stderr) == (True, True)
    error = {"code": "backup_damaged", "message": "dump/db_1/dbk_1/data is damaged: piece 4 was changed.", "hint": "Use another backup."}
    dumps.refusals[f"{AT}/dumps/dbk_1"] = (200, {"dump": {**DUMP, "error": error}})
    done = canonry("db", "dump", "dbk_1", "--output", str(tmp_path / "kept.dump"))
    assert (done.returncode != 0, "piece 4 was changed" in done.stderr) == (True, True)
    assert [path for path in tmp_path.iterdir() if "kept" in path.name] == []


def test_without_a_dump_it_says_how_to_make_one(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/dumps"] = (200, {"dumps": [RUNNING], "next_cursor": None})
    done = canonry("db", "dump")
    assert (done.returncode != 0, "canonry db backup --dump" in done.stderr) == (True, True)
    assert "standard output" in canonry("db", "dump", "--output", "-", "--json").stderr


def test_a_restore_names_its_dump(canonry: RunCli, server: ApiServer) -> None:
    restore = {
        "id": "rst_1", "state": "ready", "step": "", "at": "2026-11-22T10:31:07+00:00", "backup_id": None, "dump_id": "dbk_1",
        "database_id": "db_2", "difference": None, "error": None, "pause_ms": None, "undo_until": None,
        "created_at": "2026-11-22T10:31:07+00:00",
    }  # fmt: skip
    server.refusals[f"{AT}/restores"] = (202, {"restore": restore})
    done = canonry("db", "restore", "--dump", "dbk_1")
    assert (done.returncode, "dbk_1" in done.stdout) == (0, True), done.stderr
    assert server.asked("POST", f"{AT}/restores")[0].document == {"dump": "dbk_1"}
    assert "either --at" in canonry("db", "restore", "--dump", "dbk_1", "--backup", "bak_1").stderr
