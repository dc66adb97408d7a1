"""`canonry db`: what it asks, what it prints where, and that nothing is deleted without a word."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
AT = "/v1/projects/shop/database"
URL = "postgresql://app_1:the-password@localhost:15000/app"
ROW: dict[str, Any] = {
    "id": "db_1", "environment": "production", "role": "live", "version": "18.6", "status": "active", "reason": "", "tier": "small",
    "host": "localhost", "port": 15000, "name": "app", "user": "app_1", "size_bytes": 8 << 20, "limit_bytes": 1 << 30, "read_only": False,
    "nearly_full": False, "sleeps": True, "public": False, "overridden": False, "rotation": None, "source": None,
    "last_used_at": "2026-01-01T00:00:00+00:00",
    "created_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
OPENED = {**ROW, "connection_string": "postgresql://app_guest_1:own@localhost:15000/app", "access_user": "app_guest_1"}


@pytest.fixture(autouse=True)
def answers(server: ApiServer) -> None:
    server.refusals[AT] = (201, {**ROW, "connection_string": URL})
    server.refusals["/v1/projects/shop/databases"] = (200, {"databases": [ROW, {**ROW, "id": "db_2", "role": "restored"}]})
    server.refusals[f"{AT}/rotate"] = (200, {**ROW, "connection_string": URL})
    server.refusals[f"{AT}/access"] = (201, OPENED)
    server.refusals["/v1/projects/shop/databases/db_2/access"] = (201, OPENED)


def test_the_connection_string_is_all_that_stands_on_stdout(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("db", "create", "--project", "shop", "--tier", "medium", "--disk", "512", "--no-sleep")
    assert done.stdout == f"{URL}\n"
    assert "shown once" in done.stderr
    assert server.requests[-1].document == {"tier": "medium", "disk_mb": 512, "sleeps": False}
    canonry("db", "create", "--project", "shop")
    assert server.requests[-1].document == {}


def test_info_shows_what_matters_and_warns(canonry: RunCli, server: ApiServer) -> None:
    rotation = {"previous_user": "app_2", "until": None}
    server.refusals[AT] = (200, {**ROW, "read_only": True, "overridden": True, "rotation": rotation})
    done = canonry("db", "info", "--project", "shop", "-e", "preview/next")
    assert server.requests[-1].query == {"environment": "preview/next"}
    for words in ("read-only: it is full", "8.0 MiB of 1024.0 MiB", "localhost:15000", "app_2, until a deployment has replaced"):
        assert words in done.stdout, words
    assert "DATABASE_URL of its own" in done.stderr
    assert json.loads(canonry("db", "info", "--project", "shop", "--json").stdout)["id"] == "db_1"


def test_one_that_is_nearly_full_is_shown_so(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (200, {**ROW, "nearly_full": True})
    assert "active (nearly full)" in canonry("db", "info", "--project", "shop").stdout


def test_all_are_listed(canonry: RunCli) -> None:
    lines = canonry("db", "ls", "--project", "shop").stdout.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["db_1", "production", "live", "active"],
        ["db_2", "production", "restored", "active"],
    ]


def test_a_url_is_ones_own(canonry: RunCli, server: ApiServer) -> None:
    assert canonry("db", "url", "--project", "shop", "--hours", "2").stdout == f"{OPENED['connection_string']}\n"
    assert server.requests[-1].document == {"hours": 2}
    canonry("db", "url", "--project", "shop", "-d", "db_2")
    assert server.requests[-1].path == "/v1/projects/shop/databases/db_2/access"


def test_psql_is_told_by_its_environment_alone(canonry: RunCli, environment: dict[str, str], tmp_path: Path) -> None:
    programs = Path(environment["CANONRY_HOME"]) if "CANONRY_HOME" in environment else tmp_path / "home"
    environment["CANONRY_HOME"] = str(programs)
    psql = programs / "toolchains" / "postgresql-18.0.0" / "bin" / "psql"
    psql.parent.mkdir(parents=True)
    psql.write_text('#!/bin/sh\necho "$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE" "$@"\n')
    psql.chmod(0o700)
    done = canonry("db", "psql", "--project", "shop", "-c", "SELECT 1")
    assert done.stdout.strip() == "app_guest_1:own@localhost:15000/app --command SELECT 1"
    assert os.access(psql, os.X_OK)


def test_a_rotation_says_what_happens(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("db", "rotate", "--project", "shop")
    assert (done.stdout, server.requests[-1].document) == (f"{URL}\n", {"now": False})
    assert "works until" in done.stderr
    assert "is refused" in canonry("db", "rotate", "--project", "shop", "--now").stderr
    assert server.requests[-1].document == {"now": True}


def test_a_change_needs_something_to_change(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (200, ROW)
    assert canonry("db", "set", "--project", "shop").returncode == 2
    canonry("db", "set", "--project", "shop", "--public", "--sleep")
    assert (server.requests[-1].method, server.requests[-1].document) == ("PATCH", {"sleeps": True, "public": True})


def test_nothing_is_deleted_without_a_word(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[AT] = (200, ROW)
    done = canonry("db", "rm", "--project", "shop")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert [request.method for request in server.requests if request.path == AT] == ["GET"]
    assert canonry("db", "rm", "--project", "shop", "--yes").returncode == 0
    assert server.requests[-1].method == "DELETE"
    assert canonry("db", "rm", "--project", "shop", "-d", "db_9", "--yes").returncode == 4
    server.refusals["/v1/projects/shop/databases/db_2"] = (204, {})
    assert canonry("db", "rm", "--project", "shop", "-d", "db_2", "--yes").returncode == 0
    assert server.requests[-1].path == "/v1/projects/shop/databases/db_2"
