"""A signed-in user: an API server, a folder for their configuration, and a way to run the CLI as a real process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import TOKEN, ApiServer
from tests.support.command_line import RunCli

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the whole environment of the processes under test: nobody is signed in."""
    home = tmp_path / "home of a user"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "CANONRY_CONFIG": str(home / "config"), "PYTHONPATH": str(SOURCE)}


@pytest.fixture
def signed_in(server: ApiServer, environment: dict[str, str]) -> dict[str, str]:
    folder = Path(environment["CANONRY_CONFIG"])
    folder.mkdir()
    (folder / "credentials.json").write_text(json.dumps({"url": server.url, "token": TOKEN, "organization": "ada"}))
    return environment


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Make a small app in a folder with a space in its name."""
    folder = tmp_path / "My Site"
    folder.mkdir()
    (folder / "index.html").write_text("hello")
    return folder


@pytest.fixture
def canonry(environment: dict[str, str], app: Path) -> RunCli:
    """Run `canonry` with these words in the app's folder and return the finished process."""

    def run(*words: str, stdin: str = "", cwd: object = app, **variables: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "canonry.cli.main", *words]
        full = environment | {name: str(value) for name, value in variables.items()}
        return subprocess.run(command, cwd=str(cwd), env=full, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    return run
