"""`canonry env`: where values come from, and that secret ones stand nowhere."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
AT = "/v1/projects/shop/env"
ROW: dict[str, Any] = {
    "key": "API_KEY", "environment": "all", "value": None, "sensitive": True, "build": True, "run": True, "digest": "0a1b2c3d4e5f",
    "created_at": "2026-01-01T00:00:00+00:00", "updated_at": "2026-01-01T00:00:00+00:00", "updated_by": "usr_1",
}  # fmt: skip
PLAIN = {**ROW, "key": "LEVEL", "value": "debug\nmore", "sensitive": False, "build": False}


@pytest.fixture(autouse=True)
def answers(server: ApiServer) -> None:
    server.refusals[AT] = (200, {"variables": [ROW, PLAIN], "variable": ROW})
    changes = [
        {"key": "A", "change": "changed", "digest": "0a1b", "was": "2c3d", "note": ""},
        {"key": "PORT", "change": "skipped", "digest": "", "was": None, "note": "is set by Canonry itself"},
    ]
    server.refusals[f"{AT}/import"] = (200, {"environment": "preview", "applied": True, "changes": changes})
    server.refusals[f"{AT}/export"] = (200, {"environment": "production", "text": "LEVEL=debug\n", "omitted": ["API_KEY"]})
    server.refusals[f"{AT}/API_KEY"] = (204, {})


def test_they_are_listed_without_secret_values(canonry: RunCli, server: ApiServer) -> None:
    lines = canonry("env", "ls", "--project", "shop", "-e", "production").stdout.splitlines()
    assert lines[1].split()[:6] == ["API_KEY", "all", "(secret)", "build,", "run", "0a1b2c3d4e5f"]
    assert lines[2].split()[:5] == ["LEVEL", "all", "debug\\nmore", "run", "0a1b2c3d4e5f"]
    assert server.requests[-1].query == {"environment": "production"}
    assert json.loads(canonry("env", "ls", "--project", "shop", "--json").stdout)[0]["value"] is None


@pytest.mark.parametrize(("typed", "value"), [("s3cret\n", "s3cret"), ("s3cret", "s3cret"), ("one\ntwo\n", "one\ntwo"), (" x \r\n", " x ")])
def test_a_value_comes_from_standard_input(canonry: RunCli, server: ApiServer, typed: str, value: str) -> None:
    done = canonry("env", "set", "API_KEY", "--project", "shop", stdin=typed)
    assert done.returncode == 0, done.stderr
    assert server.requests[-1].document == {"key": "API_KEY", "value": value, "scope": "all"}
    assert value not in done.stdout + done.stderr
    assert "next deployment" in done.stderr


def test_on_a_terminal_the_value_is_asked_for_and_not_shown(environment: dict[str, str], server: ApiServer, tmp_path: Path) -> None:
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "canonry.cli.main", "env", "set", "API_KEY", "--project", "shop"], env=environment, cwd=tmp_path,
        stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    shown = b""
    while b"Value of API_KEY" not in shown:
        shown += os.read(outside, 4096)
    os.write(outside, b"typed-in-secret\n")
    assert process.wait(60) == 0
    shown += os.read(outside, 4096)
    os.close(outside)
    assert b"typed-in-secret" not in shown
    assert server.requests[-1].document["value"] == "typed-in-secret"


def test_a_secret_on_the_command_line_is_refused_with_the_other_way(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("env", "set", "API_KEY=s3cret", "--project", "shop")
    assert (done.returncode, server.requests) == (2, [])
    assert "canonry env set API_KEY" in done.stderr
    assert "s3cret" not in done.stderr


def test_one_that_is_no_secret_may_stand_there(canonry: RunCli, server: ApiServer) -> None:
    for words, value in ((["LEVEL=a=b"], "a=b"), (["LEVEL="], "")):
        assert canonry("env", "set", "--plain", *words, "-e", "preview/x", "--only", "run", "--project", "shop", "--json").returncode == 0
        assert server.requests[-1].document == {
            "key": "LEVEL", "value": value, "scope": "preview/x", "sensitive": False, "build": False, "run": True,
        }  # fmt: skip


@pytest.mark.parametrize(
    "words", [("set", "API_KEY"), ("set", "API_KEY", "--only", "nobody"), ("set",), ("import", "no-such-file"), ("rm",)]
)
def test_what_cannot_be_done_is_said_before_anything_is_asked(canonry: RunCli, server: ApiServer, words: tuple[str, ...]) -> None:
    done = canonry("env", *words, "--project", "shop", stdin="")
    assert (done.returncode, server.requests) == (2, [])
    assert done.stderr


def test_a_file_is_imported_and_told_apart_by_digests(canonry: RunCli, server: ApiServer, app: Path) -> None:
    (app / ".env").write_text("A=1\nPORT=3000\n")
    done = canonry("env", "import", ".env", "-e", "preview", "--project", "shop", "--dry-run", "--plain")
    assert server.requests[-1].document == {
        "text": "A=1\nPORT=3000\n", "environment": "preview", "dry_run": True, "sensitive": False,
    }  # fmt: skip
    assert done.stdout.splitlines()[1].split() == ["A", "changed", "0a1b", "2c3d"]
    assert "is set by Canonry itself" in done.stdout
    assert canonry("env", "import", "-", "--project", "shop", stdin="B=2").returncode == 0
    assert server.requests[-1].document["text"] == "B=2"
    (app / ".env").write_bytes(b"\xff\xfe")
    assert "UTF-8" in canonry("env", "import", ".env", "--project", "shop").stderr


def test_an_export_is_a_file_on_stdout_and_a_word_about_the_rest_on_stderr(canonry: RunCli) -> None:
    done = canonry("env", "export", "--project", "shop")
    assert done.stdout == "LEVEL=debug\n"
    assert "API_KEY" in done.stderr


def test_one_is_removed(canonry: RunCli, server: ApiServer) -> None:
    assert canonry("env", "rm", "API_KEY", "-e", "production", "--project", "shop").returncode == 0
    assert (server.requests[-1].method, server.requests[-1].query) == ("DELETE", {"environment": "production"})
