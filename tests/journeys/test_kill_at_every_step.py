"""`kill -9` of Canonry's own process at every step of a deploy, then `up`: it goes on, nothing is lost, and no visitor notices."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import ROOT, Canonry, eventually, running_canonry, write_server
from tests.support.requests_in_flight import Visitor

_PIPELINE = "canonry.features.deployments"
POINTS = [
    f"{_PIPELINE}.pipeline:_take:return",
    f"{_PIPELINE}.source:_fetch:start",
    f"{_PIPELINE}.source:_fetch:return",
    f"{_PIPELINE}.source:_freeze:start",
    f"{_PIPELINE}.source:_freeze:return",
    f"{_PIPELINE}.fleet.launch:run_release_command:return",
    f"{_PIPELINE}.fleet.launch:start:start",
    f"{_PIPELINE}.fleet.launch:start_one:return",
    f"{_PIPELINE}.fleet.launch:wait_until_healthy:return",
    f"{_PIPELINE}.switch:go_live:start",
    f"{_PIPELINE}.switch:_record:start",
    f"{_PIPELINE}.switch:_record:return",
    f"{_PIPELINE}.switch:go_live:return",
    f"{_PIPELINE}.pipeline:_carry_out:return",
]


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give one Canonry to all tests of this file."""
    with running_canonry(tmp_path_factory.mktemp("killed"), CANONRY_DRAIN_SECONDS="1", CANONRY_STOP_GRACE="2") as canonry:
        yield canonry


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def apps_of(slug: str) -> int:
    """Return how many copies of the app run on this machine, wherever they come from."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            count += f"CANONRY_PROJECT={slug}".encode() in environment and b"main.py" in (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
    return count


def start_with(canonry: Canonry, settings: dict[str, str]) -> None:
    canonry.kill("canonry")
    canonry.settings = {**canonry.settings, **settings}
    canonry.up()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.criterion("running-canonry#kill-any-step")
def test_the_deploy_goes_on_after_the_next_start(canonry: Canonry, tmp_path: Path, point: str) -> None:
    canonry.up()  # in case the test before left it down
    slug = f"killed-{secrets.token_hex(3)}"  # its processes are told from those of other runs on this machine
    folder = write_server(tmp_path / "app", "old")
    (folder / "Procfile").write_text("web: python main.py\nrelease: echo migrated\n")
    canonry.must("deploy", str(folder), "--project", slug)
    once, armed = tmp_path / "killed", tmp_path / "armed"  # what is left of the deployment before may still be done after the start
    start_with(canonry, {"KILL_AT": point, "KILL_ONCE": str(once), "KILL_ARMED": str(armed),
                         "PYTHONPATH": f"{ROOT}/src:{ROOT}/tests/support/killpoint"})  # fmt: skip
    with Visitor(canonry.port, f"{slug}.localhost") as visitor:
        pid = canonry.pid("canonry")
        write_server(folder, "new")
        armed.touch()
        canonry.must("deploy", str(folder), "--project", slug, "--no-follow")
        eventually(lambda: is_alive(pid), lambda alive: not alive)
        assert once.exists()
        time.sleep(0.3)
        canonry.up()
        eventually(lambda: canonry.site(slug).text, lambda text: text.startswith("new"), within=30)
        row = eventually(
            lambda: canonry.api("GET", f"/v1/projects/{slug}/deployments")["deployments"][0],
            lambda row: row["status"] in {"live", "failed"},
        )
        assert (row["status"], row["error"]) == ("live", None)
        eventually(lambda: apps_of(slug), lambda count: count == 1, within=15)
        time.sleep(0.3)
    assert visitor.wrong == []
    assert set(visitor.seen) == {"old", "new"}
    assert not list((canonry.home / "builds").iterdir())


@pytest.mark.criterion("running-canonry#queued-survives")
def test_a_queued_deployment_stays_queued_and_is_carried_out(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "first")
    (folder / "canonry.toml").write_text("[build]\nbuild = 'sleep 2'\n")
    canonry.must("deploy", str(folder), "--project", "queued", "--no-follow")
    eventually(lambda: canonry.api("GET", "/v1/projects/queued/deployments")["deployments"][0]["step"], lambda step: step == "build")
    canonry.must("deploy", str(write_server(folder, "second")), "--project", "queued", "--no-follow")
    canonry.kill("canonry")
    canonry.up()
    rows = eventually(
        lambda: canonry.api("GET", "/v1/projects/queued/deployments")["deployments"],
        lambda rows: [row["status"] for row in rows] == ["live", "superseded"], within=30,
    )  # fmt: skip
    assert all(row["error"] is None for row in rows)
    assert canonry.site("queued").text.startswith("second")


def test_a_deploy_that_is_followed_goes_on_in_the_terminal_after_a_restart(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "followed")
    (folder / "canonry.toml").write_text("[build]\nbuild = 'echo building; sleep 2'\n")
    follower = subprocess.Popen(
        [sys.executable, "-m", "canonry.cli.main", "deploy", str(folder), "--project", "followed"],
        env=canonry.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    eventually(lambda: canonry.api("GET", "/v1/projects/followed/deployments")["deployments"][0]["step"], lambda step: step == "build")
    os.kill(canonry.pid("canonry"), signal.SIGKILL)
    canonry.up()
    out, _ = follower.communicate(timeout=120)
    assert follower.returncode == 0, out
    assert f"http://followed.localhost:{canonry.port}" in out
