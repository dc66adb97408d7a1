"""Every exit code, as a process gives it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from canonry.cli.errors import EXIT_CODES, exit_code
from canonry.core import errors
from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

ANSWERS = [
    (400, "unsupported_archive", 2), (413, "archive_too_large", 2), (401, "unauthenticated", 3), (403, "insufficient_scope", 3),
    (404, "project_not_found", 4), (409, "slug_taken", 5), (429, "rate_limited", 6), (402, "project_limit_reached", 7),
    (503, "database_unavailable", 8), (502, "bad_gateway", 8), (500, "internal_error", 1), (418, "teapot", 2),
]  # fmt: skip


def test_every_kind_of_the_tree_has_an_exit_code() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CanonryError)}
    assert kinds - {errors.CanonryError} == set(EXIT_CODES)
    assert exit_code(errors.CanonryError("bug", "A bug.")) == 1


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("status", "code", "expected"), ANSWERS)
def test_an_answer_of_the_server_becomes_an_exit_code(canonry: RunCli, server: ApiServer, status: int, code: str, expected: int) -> None:
    server.refusals["/v1/projects/x"] = (status, {"error": code, "message": "Sentence.", "hint": "Do this.", "request_id": "req_1"})
    done = canonry("projects", "info", "x")
    assert (done.returncode, done.stdout) == (expected, "")
    assert done.stderr == "error: Sentence.\nhint: Do this.\n"


@pytest.mark.usefixtures("signed_in")
def test_issues_are_listed_with_their_places(canonry: RunCli, server: ApiServer) -> None:
    issue = {"path": "body.slug", "message": "too short", "code": "pattern"}
    server.refusals["/v1/projects"] = (400, {"error": "validation_failed", "message": "Not valid.", "issues": [issue]})
    assert "error: Not valid.\n  body.slug: too short\n" in canonry("projects", "create", "x").stderr
    assert json.loads(canonry("projects", "create", "x", "--json").stderr)["issues"] == [issue]


def test_nobody_signed_in_is_3_and_says_how(canonry: RunCli) -> None:
    done = canonry("projects", "ls")
    assert done.returncode == 3
    assert "hint: Start one on this machine with: canonry up." in done.stderr


def test_nobody_answering_is_8_and_names_canonry_up(canonry: RunCli) -> None:
    done = canonry("projects", "ls", CANONRY_URL="http://127.0.0.1:1", CANONRY_TOKEN="cnr_x")
    assert done.returncode == 8
    assert "Nobody answers at http://127.0.0.1:1" in done.stderr
    assert "canonry up" in done.stderr


def test_something_else_answering_is_8(canonry: RunCli, tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        done = canonry("whoami", CANONRY_URL=f"http://127.0.0.1:{port}", CANONRY_TOKEN="cnr_x")
    finally:
        server.kill()
        server.communicate()
    assert done.returncode == 8
    assert "is not Canonry" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("deplyo",), "canonry has no command 'deplyo'.\nhint: Did you mean: canonry deploy?"),
        (("--verison",), "canonry has no option '--verison'."),
        (("projects", "lst"), "Did you mean: canonry projects ls?"),
        (("scale", "0"), "argument N: 0 is less than 1"),
        (("scale", "many"), "'many' is not a number"),
        (("scale", "--process", "web"), "There is nothing to change."),
        (("projects", "rm"), "the following arguments are required: SLUG"),
        (("deploy", "--nope"), "unrecognized arguments: --nope"),
        (("projects", "ls", "--js"), "unrecognized arguments: --js"),
        (("whoami", "--help="), "--help"),
    ],
)
def test_wrong_words_are_2(canonry: RunCli, words: tuple[str, ...], message: str) -> None:
    done = canonry(*words)
    assert done.returncode == 2
    assert message in done.stderr


def test_with_json_errors_are_json_too(canonry: RunCli) -> None:
    done = canonry("projects", "ls", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert json.loads(done.stderr)["error"] == "not_logged_in"


@pytest.mark.usefixtures("signed_in")
def test_a_bug_is_1_with_its_trace(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/projects/x"] = (200, {"unexpected": True})
    done = canonry("projects", "info", "x")
    assert done.returncode == 1
    assert "KeyError" in done.stderr
    assert "error: This is a bug in Canonry." in done.stderr


@pytest.mark.usefixtures("signed_in")
def test_a_reader_that_leaves_early_is_no_error(environment: dict[str, str], server: ApiServer, app: Path) -> None:
    server.runtime = ["x" * 1000] * 900
    command = [sys.executable, "-m", "canonry.cli.main", "logs", "--project", "a", "--limit", "900"]
    server.add_project("a")
    process = subprocess.Popen(command, env=environment, cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, b"")
    process.stderr.close()
