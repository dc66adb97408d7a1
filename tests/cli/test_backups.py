"""`canonry backups`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

AT = "/v1/projects/my-site/backups"
BACKUP = {
    "id": "bak_1", "deploymentId": "dep_1", "envVars": [{"key": "KEY", "scope": "all"}], "databaseSnapshotId": None, "databaseAt": None,
    "note": "before", "trigger": "manual", "createdAt": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


def test_one_is_made_and_its_id_is_all_that_stdout_has(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (201, {"backup": BACKUP})
    done = canonry("backups", "create", "--note", "before")
    assert (done.stdout, "1 variables" in done.stderr) == ("bak_1\n", True)
    assert server.asked("POST", AT)[0].document == {"note": "before"}
    assert json.loads(canonry("backups", "create", "--json").stdout)["id"] == "bak_1"


def test_they_are_listed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (200, {"backups": [BACKUP], "next_cursor": None})
    assert canonry("backups", "ls").stdout.splitlines()[1].split()[-5:] == ["manual", "dep_1", "1", "-", "before"]
    assert json.loads(canonry("backups", "ls", "--json").stdout) == [BACKUP]
    server.refusals[AT] = (200, {"backups": [], "next_cursor": None})
    assert "canonry backups create" in canonry("backups", "ls").stderr


def test_one_is_restored_and_removed(canonry: RunCli, server: ApiServer) -> None:
    deployment = {"id": "dep_2", "status": "queued", "slug": "my-site", "url": None, "error": None}
    kept = {**BACKUP, "databaseAt": "2026-01-01T00:00:00+00:00"}
    server.refusals[f"{AT}/bak_1/restore"] = (201, {"backup": kept, "deployment": deployment, "variables": ["all/KEY"]})
    done = canonry("backups", "restore", "bak_1", "--no-follow")
    assert (done.returncode, done.stdout) == (0, "dep_2\n")
    assert "Variables changed: all/KEY." in done.stderr
    assert "canonry db restore --backup bak_1" in done.stderr
    server.refusals[f"{AT}/bak_1"] = (200, {})
    assert canonry("backups", "rm", "bak_1").returncode == 0
    assert len(server.asked("DELETE", f"{AT}/bak_1")) == 1
