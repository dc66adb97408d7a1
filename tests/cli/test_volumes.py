"""`canonry volumes`, and what `canonry projects rm` says of volumes."""

import json
from typing import Any

import pytest

from canonry.cli.remote.volumes import size
from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
VOLUME: dict[str, Any] = {
    "id": "vol_0123456789abcdef", "name": "data", "environment": "production", "path": "/data", "status": "attached",
    "size_bytes": 10**9, "used_bytes": 1_234_567, "files": 12, "full": False, "measured_at": None, "detached_at": None,
    "created_at": "2026-11-25T12:00:00+00:00",
}  # fmt: skip
PREVIEW = {**VOLUME, "id": "vol_0123456789abcdee", "environment": "preview/next", "full": True}


@pytest.fixture(autouse=True)
def volumes(server: ApiServer) -> None:
    server.add_project("shop")
    server.volumes[:] = [VOLUME, PREVIEW]


def test_they_are_listed_with_what_they_hold(canonry: RunCli) -> None:
    done = canonry("volumes", "ls", "-p", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()[1:]
    assert first.split()[:8] == ["vol_0123456789abcdef", "data", "production", "/data", "attached", "1.2", "MB", "1"]
    assert second.split()[4] == "full"
    assert json.loads(canonry("volumes", "ls", "-p", "shop", "--json").stdout) == [VOLUME, PREVIEW]


def test_without_any_it_says_how_to_have_one(canonry: RunCli, server: ApiServer) -> None:
    server.volumes.clear()
    assert "[[volumes]]" in canonry("volumes", "ls", "-p", "shop").stderr


def test_removing_takes_a_confirmation_and_means_production(canonry: RunCli, server: ApiServer) -> None:
    refused = canonry("volumes", "rm", "data", "-p", "shop")
    assert refused.returncode != 0
    assert "--yes" in refused.stderr
    assert not [asked for asked in server.requests if asked.method == "DELETE"]
    assert canonry("volumes", "rm", "data", "-p", "shop", "--yes").returncode == 0
    assert server.requests[-1].path == f"/v1/projects/shop/volumes/{VOLUME['id']}"
    assert canonry("volumes", "rm", str(PREVIEW["id"]), "-p", "shop", "--yes").returncode == 0
    assert server.requests[-1].path.endswith(str(PREVIEW["id"]))


def test_one_that_is_not_there_is_said_with_those_that_are(canonry: RunCli) -> None:
    done = canonry("volumes", "rm", "other", "-p", "shop", "--yes")
    assert done.returncode != 0
    assert "'other'" in done.stderr
    assert "data" in done.stderr


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_960, "1 MB"), (1_500_000, "1.5 MB"), (10**9, "1 GB"), (5 * 10**15, "5000 TB")],
)
def test_sizes_are_in_the_units_of_canonry_toml(count: int, words: str) -> None:
    assert size(count) == words
