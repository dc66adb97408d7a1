"""`canonry disk`, and pins."""

import json
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
_USED = {"artifacts": 3 << 20, "build_logs": 4096, "instance_logs": 0, "caches": 9 << 30, "repository": 0, "mirrors": 0, "database": 0,
         "volumes": 0, "total": (9 << 30) + (3 << 20) + 4096}  # fmt: skip
_BUDGETS = dict.fromkeys(("artifacts", "build_logs", "instance_logs", "caches", "repository", "mirrors"), 8 << 30)
DISK: dict[str, Any] = {
    "total_bytes": 100 << 30, "free_bytes": 500 << 20, "mark": "full", "reserve_bytes": 1 << 30, "clean_below_bytes": 4 << 30,
    "budgets": _BUDGETS, "projects": [{"id": "prj_1", "slug": "shop", "used": _USED, "over": ["caches"]}],
    "platform": {"toolchains": 200 << 20, "postgres": 50 << 20},
}  # fmt: skip
PRUNED: dict[str, Any] = {
    "dry_run": True, "bytes": 9 << 30, "environments": 2,
    "removed": [{"what": "cache", "name": "prj_1", "bytes": 9 << 30, "project_id": "prj_1"}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def answers(server: ApiServer) -> None:
    server.refusals["/v1/disk"] = (200, DISK)
    server.refusals["/v1/disk/prune"] = (200, PRUNED)
    project = {"project": "shop", "used": _USED, "budgets": _BUDGETS, "over": ["caches"], "pinned": ["dep_1"]}
    server.refusals["/v1/projects/shop/disk"] = (200, project)
    server.refusals["/v1/deployments/dep_1/pin"] = (200, {"deployment": "dep_1", "pinned": True})


@pytest.mark.parametrize("words", [("disk",), ("disk", "ls")])
def test_it_shows_who_uses_what_and_that_builds_have_stopped(canonry: RunCli, words: tuple[str, ...]) -> None:
    shown = canonry(*words)
    assert "500.0 MiB of 100.0 GiB free" in shown.stdout
    assert "builds have stopped" in shown.stdout
    assert ["shop", "3.0", "MiB", "4", "KiB", "9.0", "GiB!", "9.0", "GiB"] in [line.split() for line in shown.stdout.splitlines()]
    assert "toolchains" in shown.stdout
    assert json.loads(canonry(*words, "--json").stdout) == DISK


def test_a_project_shows_its_budgets_and_pins(canonry: RunCli) -> None:
    shown = canonry("disk", "--project", "shop").stdout
    assert "caches         9.0 GiB  8.0 GiB" in shown
    assert "pinned: dep_1" in shown


def test_a_dry_run_says_what_would_go(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("disk", "prune", "--dry-run")
    assert "cache  prj_1  9.0 GiB" in done.stdout
    assert "Would remove 1 things of 9.0 GiB" in done.stderr
    assert server.requests[-1].document == {"dry_run": True}


def test_pin_and_unpin_name_the_deployment(canonry: RunCli, server: ApiServer) -> None:
    assert "until you unpin it" in canonry("deployments", "pin", "dep_1").stderr
    assert "no longer pinned" in canonry("deployments", "unpin", "dep_1").stderr
    assert [request.method for request in server.requests[-2:]] == ["PUT", "DELETE"]


def test_a_word_that_is_no_command_is_an_error_and_help_lists_them(canonry: RunCli) -> None:
    assert "has no command" in canonry("disk", "shrink").stderr
    assert "prune" in canonry("disk", "--help").stdout
