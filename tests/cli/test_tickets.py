"""`canonry tickets`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

TICKET = {
    "id": "PAY-7", "url": "http://localhost/v1/tickets/PAY-7", "project_key": "PAY", "summary": "Retry", "description": "Three times.",
    "state": "todo", "blocked_by": None, "raw_status": "To Do", "issue_type": "Task", "labels": ["payments"], "assignees": ["ada"],
    "milestone": None, "parent_id": None, "custom_fields": {}, "pull_requests": [{"url": "https://x/1", "title": ""}],
    "created_at": "2026-11-22T10:31:07+00:00", "updated_at": "2026-11-22T10:31:07+00:00",
}  # fmt: skip
_ITEM = {"path": "docs/specs/a.md", "section": "1-retry", "ticket_id": "PAY-7", "note": ""}
SYNC = {
    "id": "run_1", "trigger": "manual", "direction": "both", "dry_run": False, "status": "success", "created": [_ITEM], "linked": [],
    "updated": [], "status_changed": [], "closed": [], "reopened": [], "skipped": [], "errors": [],
    "created_at": "2026-11-22T10:31:07+00:00", "ended_at": "2026-11-22T10:31:08+00:00",
}  # fmt: skip
AT = "/v1/repositories/handbook/tickets/syncs"


def test_tickets_are_listed_shown_and_changed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/tickets"] = (200, {"tickets": [TICKET]})
    assert canonry("tickets", "ls", "--state", "todo").stdout.splitlines()[1].split()[:3] == ["PAY-7", "To", "Do"]
    server.refusals["/v1/tickets"] = (200, {"tickets": []})
    assert "no such tickets" in canonry("tickets", "ls").stderr
    server.refusals["/v1/tickets/PAY-7"] = (200, {"ticket": TICKET})
    shown = canonry("tickets", "show", "PAY-7")
    assert ("https://x/1" in shown.stdout, "Three times." in shown.stderr) == (True, True)
    assert "PAY-7: To Do, Retry" in canonry("tickets", "close", "PAY-7").stderr
    assert canonry("tickets", "reopen", "PAY-7").returncode == 0
    assert canonry("tickets", "set", "PAY-7", "--state", "blocked", "--blocked-by", "PAY-3").returncode == 0
    assert [ask.document for ask in server.asked("PATCH", "/v1/tickets/PAY-7")] == [
        {"state": "done"}, {"state": "todo"}, {"state": "blocked", "blocked_by": "PAY-3"}
    ]  # fmt: skip
    nothing = canonry("tickets", "set", "PAY-7")
    assert (nothing.returncode, "--state" in nothing.stderr) == (2, True)


def test_a_sync_says_what_it_did_and_fails_when_something_could_not_be_done(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (202, {"sync": SYNC | {"status": "waiting", "ended_at": None}})
    server.refusals[f"{AT}/run_1"] = (200, {"sync": SYNC})
    done = canonry("tickets", "sync", "handbook")
    assert (done.returncode, done.stdout) == (0, "created  PAY-7  docs/specs/a.md  1-retry\n")
    assert "success: 1 created" in done.stderr
    server.refusals[f"{AT}/run_1"] = (200, {"sync": SYNC | {"status": "partial", "errors": [_ITEM | {"note": "it stands twice"}]}})
    failed = canonry("tickets", "sync", "handbook", "--dry-run", "--direction", "forward")
    assert (failed.returncode, "it stands twice" in failed.stdout) == (1, True)
    assert server.asked("POST", AT)[-1].document == {"direction": "forward", "dry_run": True}
    assert json.loads(canonry("tickets", "sync", "handbook", "--json").stdout)["id"] == "run_1"
    server.refusals[AT] = (200, {"syncs": [SYNC]})
    assert canonry("tickets", "syncs", "handbook").stdout.splitlines()[1].split()[0] == "run_1"
    server.refusals[AT] = (200, {"syncs": []})
    assert "Nothing of handbook" in canonry("tickets", "syncs", "handbook").stderr
