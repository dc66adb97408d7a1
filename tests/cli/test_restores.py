"""`canonry db restore`, `promote`, `undo`, `discard`, `drill`, `proofs`, `verify`."""

import json
from pathlib import Path

import pytest

from canonry.core import signatures
from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

AT = "/v1/projects/my-site/database"
TABLE = {
    "table": "public.notes", "change": "rows", "live": 0, "restored": 2, "exact": True, "column": "id", "newest_live": None,
    "newest_restored": "2",
}  # fmt: skip
READY = {
    "id": "rst_1", "state": "ready", "step": "", "at": "2026-11-22T10:31:07+00:00", "backup_id": None,
    "dump_id": None, "database_id": "db_2",
    "difference": {"tables": [TABLE], "same": 3, "complete": True, "why": None}, "error": None, "pause_ms": None, "undo_until": None,
    "created_at": "2026-11-22T10:31:07+00:00",
}  # fmt: skip
SEED = b"s" * 32
DOCUMENT = '{"backup":"bak_1","checks":[],"ended":"2026-11-22T10:31:07+00:00","proof":"prf_1","result":"passed"}'
PROOF = {
    "id": "prf_1", "database_id": "db_1", "backup_id": "bak_1", "result": "passed", "document": DOCUMENT,
    "signature": signatures.sign(SEED, DOCUMENT), "public_key": signatures.public_key_of(SEED), "created_at": "2026-11-22T10:31:07+00:00",
    "ended_at": "2026-11-22T10:31:07+00:00",
}  # fmt: skip


def test_a_restore_is_waited_for_and_what_differs_is_shown(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/restores"] = (202, {"restore": {**READY, "state": "preparing", "step": "fetching", "difference": None}})
    server.refusals[f"{AT}/restores/rst_1"] = (200, {"restore": READY})
    done = canonry("db", "restore", "--at", "2026-11-22T10:31:07Z")
    assert done.returncode == 0, done.stderr
    assert "public.notes" in done.stdout
    assert "Preparing: fetching" in done.stderr
    assert "canonry db promote rst_1" in done.stderr
    assert server.asked("POST", f"{AT}/restores")[0].document == {"at": "2026-11-22T10:31:07Z"}


def test_a_time_without_a_zone_is_this_machine_s_and_that_is_said(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/restores"] = (202, {"restore": READY})
    done = canonry("db", "restore", "--at", "2026-11-22 10:31:07", TZ="Europe/Berlin")
    assert "Taken as 2026-11-22T10:31:07+01:00." in done.stderr
    assert server.asked("POST", f"{AT}/restores")[0].document == {"at": "2026-11-22T10:31:07+01:00"}
    assert canonry("db", "restore", "--at", "yesterday").returncode != 0
    assert "either --at" in canonry("db", "restore").stderr
    assert "either --at" in canonry("db", "restore", "--at", "2026-11-22", "--backup", "bak_1").stderr
    assert len(server.asked("POST", f"{AT}/restores")) == 1


def test_a_restore_that_failed_ends_with_its_reason(canonry: RunCli, server: ApiServer) -> None:
    error = {"code": "wal_gap", "message": "The archive lacks something.", "hint": "Choose another moment."}
    server.refusals[f"{AT}/restores"] = (202, {"restore": {**READY, "state": "failed", "difference": None, "error": error}})
    done = canonry("db", "restore", "--backup", "bak_1")
    assert (done.returncode, "The archive lacks something." in done.stderr) == (1, True)


def test_the_newest_that_is_ready_is_promoted_undone_and_discarded(canonry: RunCli, server: ApiServer) -> None:
    promoted = {**READY, "id": "rst_0", "state": "promoted", "pause_ms": 412}
    server.refusals[f"{AT}/restores"] = (200, {"restores": [READY, promoted], "next_cursor": None})
    server.refusals[f"{AT}/restores/rst_1/promote"] = (202, {"restore": {**READY, "state": "promoted", "pause_ms": 412}})
    server.refusals[f"{AT}/restores/rst_0/undo"] = (202, {"restore": READY})
    server.refusals[f"{AT}/restores/rst_1"] = (200, {"restore": {**READY, "state": "discarded"}})
    assert "0.41 s" in canonry("db", "promote").stdout
    assert canonry("db", "undo").returncode == 0
    assert "Discarded rst_1." in canonry("db", "discard").stderr
    assert canonry("db", "restores").stdout.splitlines()[1].split()[:2] == ["rst_1", "ready"]


def test_where_it_can_go_is_shown(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/reach"] = (200, {"spans": [{"start": "2026-11-22T10:00:00+00:00", "end": "2026-11-22T11:00:00+00:00"}]})
    assert "2026-11-22T10:00:00+00:00" in canonry("db", "reach").stdout
    server.refusals[f"{AT}/reach"] = (200, {"spans": []})
    assert "no backup yet" in canonry("db", "reach").stderr


def test_a_drill_that_fails_ends_with_1(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/drill"] = (202, {"proof": {**PROOF, "result": "running", "document": None}})
    failed = '{"checks":[{"name":"restore","ok":false,"detail":"backup_damaged: no"}]}'
    server.refusals[f"{AT}/proofs/prf_1"] = (200, {"proof": {**PROOF, "result": "failed", "document": failed}})
    done = canonry("db", "drill")
    assert (done.returncode, "backup_damaged: no" in done.stdout) == (1, True)


def test_proofs_are_checked_without_a_server(canonry: RunCli, server: ApiServer, tmp_path: Path) -> None:
    server.refusals[f"{AT}/proofs"] = (200, {"proofs": [PROOF], "public_key": PROOF["public_key"], "next_cursor": None})
    kept = tmp_path / "proofs.json"
    kept.write_text(canonry("db", "proofs", "--json").stdout)
    asked = len(server.requests)
    done = canonry("db", "verify", str(kept), "--key", str(PROOF["public_key"]))
    assert (done.returncode, "1 proofs are genuine" in done.stderr, len(server.requests)) == (0, True, asked)
    assert canonry("db", "verify", str(kept)).returncode == 0
    other = signatures.public_key_of(b"o" * 32)
    assert "was not signed so" in canonry("db", "verify", str(kept), "--key", other).stderr
    kept.write_text(json.dumps([{**PROOF, "document": DOCUMENT.replace("bak_1", "bak_2")}]))
    assert canonry("db", "verify", str(kept), "--key", str(PROOF["public_key"])).returncode != 0
    kept.write_text("nothing")
    assert "holds no proofs" in canonry("db", "verify", str(kept), "--key", "x").stderr


def test_backups_of_the_database_are_listed_and_made(canonry: RunCli, server: ApiServer) -> None:
    backup = {
        "id": "dbk_1", "kind": "full", "trigger": "daily", "state": "done", "proof": "passed", "started_at": "2026-11-22T10:31:07+00:00",
        "point_at": "2026-11-22T10:31:07+00:00", "size_bytes": 1 << 20, "error": None,
    }  # fmt: skip
    server.refusals[f"{AT}/backups"] = (200, {"backups": [backup]})
    assert canonry("db", "backups").stdout.splitlines()[1].split()[:5] == ["dbk_1", "full", "daily", "done", "passed"]
    server.refusals[f"{AT}/backups"] = (202, {"id": "dbk_1", "status": "queued", "kind": "dump", "backups": [backup]})
    assert canonry("db", "backup", "--dump", "--no-wait").stdout == "dbk_1\n"
    waited = canonry("db", "backup")
    assert (waited.returncode, waited.stdout, "as of 2026-11-22T10:31:07" in waited.stderr) == (0, "dbk_1\n", True)
    failed = backup | {"state": "failed", "error": {"code": "disk_full", "message": "The disk is full.", "hint": "Free some."}}
    server.refusals[f"{AT}/backups"] = (202, {"id": "dbk_1", "status": "queued", "kind": "full", "backups": [failed]})
    refused = canonry("db", "backup")
    assert (refused.returncode, "FAILED: The disk is full. Free some." in refused.stderr) == (1, True)
    assert server.asked("POST", f"{AT}/backups")[0].document == {"kind": "dump"}
