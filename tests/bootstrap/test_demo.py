"""`make demo`: three real apps live beside a Canonry that the user already works with, on a machine whose usual port is taken."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.architecture.tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Demo:
    """A checkout with examples and programs, whose .venv is that of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own_credentials = folder.parent / "config/canonry/credentials.json"
        self.own_credentials.parent.mkdir(parents=True)
        self.own_credentials.write_text('{"url": "http://elsewhere.test", "token": "cnr_own", "organization": "me"}')
        for name in ("examples", "scripts"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".canonry", "node_modules", "dist"))
        (folder / ".venv").symlink_to(Path(sys.prefix))

    def run(self, word: str) -> subprocess.CompletedProcess[str]:
        """Run `scripts/demo.py` with one word."""
        command = [sys.executable, str(self.folder / "scripts/demo.py"), word]
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.own_credentials.parents[1]), "CANONRY_TOKEN": "cnr_of_somebody_else"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)

    def processes(self) -> list[str]:
        """Return the command lines of what runs for this demo."""
        lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
        return [line for line in lines if str(self.folder / ".demo") in line]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo") / "my checkout")
    try:
        yield made
    finally:
        made.run("stop")


@pytest.fixture(scope="module", autouse=True)
def _usual_port_is_taken() -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", 8080))
            listener.listen()
        except OSError:
            pass  # somebody has it already, which is what is wanted
        yield


@pytest.mark.criterion("running-canonry#demo-three", "running-canonry#demo-credentials")
def test_the_demo_comes_up_twice_and_leaves_nothing_behind(demo: Demo) -> None:
    first = demo.run("start")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count("200 OK") == 3
    assert "localhost:8080" not in first.stdout
    assert "make demo-stop" in first.stdout

    again = demo.run("start")
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("200 OK") == 3

    assert json.loads(demo.own_credentials.read_text())["token"] == "cnr_own"

    assert demo.run("stop").returncode == 0
    assert demo.processes() == []

    third = demo.run("start")
    assert third.stdout.count("200 OK") == 3, third.stdout + third.stderr


def test_stopping_what_was_never_started_is_no_error(tmp_path: Path) -> None:
    stopped = Demo(tmp_path / "checkout").run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "There is no demo here.\n")
