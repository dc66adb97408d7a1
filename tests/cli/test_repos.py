"""`canonry repos` and `canonry pulls`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

REPOSITORY = {
    "id": "rep_1", "owner": "ada", "name": "handbook", "full_name": "ada/handbook", "description": "", "default_branch": "main",
    "project_id": None, "head": "a" * 40, "clone_url": "http://localhost/git/ada/handbook", "created_at": "2026-01-01T00:00:00+00:00",
    "host": "canonry", "problem": None,
}  # fmt: skip
PULL = {
    "number": 3, "title": "Say more", "body": "", "state": "open", "head": "edit", "base": "main", "url": "http://localhost/x",
    "created_by": "Ada", "created_at": "2026-01-01T00:00:00+00:00", "merge_commit": None, "ended_by": None, "ended_at": None,
}  # fmt: skip
DETAILS = {
    **PULL, "head_commit": "b" * 40, "commits": [{"sha": "b" * 40, "subject": "More", "author": "Ada"}], "files": ["a.md"],
    "mergeable": False, "conflicts": ["a.md"],
    "reviews": [{"user": "Bea", "verdict": "changes_requested", "body": "Why?", "commit": "b" * 40, "created_at": ""}],
}  # fmt: skip


def test_repositories_are_made_and_listed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/repositories"] = (201, {"repository": REPOSITORY})
    done = canonry("repos", "create", "handbook", "--description", "what we do")
    assert "git push http://localhost/git/ada/handbook main" in done.stderr
    sent = server.asked("POST", "/v1/repositories")[0].document
    assert sent == {"name": "handbook", "description": "what we do", "default_branch": "main"}
    server.refusals["/v1/repositories"] = (200, {"repositories": [REPOSITORY]})
    assert canonry("repos", "ls").stdout.splitlines()[1].split()[:3] == ["ada/handbook", "-", "main"]
    assert json.loads(canonry("repos", "ls", "--json").stdout) == [REPOSITORY]


def test_one_is_removed_only_when_it_is_said_so(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/repositories/handbook"] = (200, {"repository": REPOSITORY})
    refused = canonry("repos", "rm", "handbook")
    assert (refused.returncode != 0, "--yes" in refused.stderr) == (True, True)
    server.refusals["/v1/repositories/rep_1"] = (204, {})
    assert canonry("repos", "rm", "handbook", "--yes").returncode == 0
    assert len(server.asked("DELETE", "/v1/repositories/rep_1")) == 1


def test_a_pull_request_is_shown_with_what_stands_against_it(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/repositories/handbook/pulls"] = (200, {"pull_requests": [PULL]})
    assert canonry("pulls", "ls", "handbook").stdout.splitlines()[1].split()[:2] == ["3", "open"]
    server.refusals["/v1/repositories/handbook/pulls/3"] = (200, {"pull_request": DETAILS})
    server.refusals["/v1/repositories/handbook/pulls/3/diff"] = (200, {"diff": "+More."})
    shown = canonry("pulls", "show", "handbook", "3", "--diff")
    text = shown.stdout + shown.stderr
    for words in ("no, both sides changed a.md", "bbbbbbbbbbbb More (Ada)", "Bea: changes requested", "+More."):
        assert words in text


def test_a_pull_request_is_opened_reviewed_merged_and_closed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/repositories/handbook/pulls"] = (201, {"pull_request": PULL})
    assert "#3" in canonry("pulls", "open", "handbook", "edit", "--title", "Say more").stderr
    server.refusals["/v1/repositories/handbook/pulls/3/reviews"] = (201, {"pull_request": PULL})
    assert canonry("pulls", "review", "handbook", "3", "approved").returncode == 0
    server.refusals["/v1/repositories/handbook/pulls/3"] = (200, {"pull_request": DETAILS})
    server.refusals["/v1/repositories/handbook/pulls/3/merge"] = (200, {"pull_request": {**PULL, "merge_commit": "c" * 40}})
    assert "cccccccccccc" in canonry("pulls", "merge", "handbook", "3").stderr
    assert server.asked("POST", "/v1/repositories/handbook/pulls/3/merge")[0].document == {"head": "b" * 40}
    server.refusals["/v1/repositories/handbook/pulls/3/close"] = (200, {"pull_request": PULL})
    assert canonry("pulls", "close", "handbook", "3").returncode == 0
