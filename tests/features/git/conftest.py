"""Real repositories, a real server for them, and a small real API for the hook to talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from canonry.core.paths import Home
from canonry.infra.db import Database
from tests.support.git import GitServer, Person
from tests.support.git_api import DeployApi, deploy_api


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "a home with spaces")
    made.create()
    return made


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Somebody with a work tree at `main`, one commit in it."""
    person = Person(tmp_path / "work of ada")
    person.commit({"index.html": "<h1>one</h1>\n"}, "First page\n\nWith a body.")
    return person


@pytest.fixture
def api(home: Home) -> Iterator[DeployApi]:
    with deploy_api(home) as running:
        yield running


@pytest.fixture
def server(home: Home, database: Database, api: DeployApi) -> Iterator[GitServer]:
    """The git routes and the API that their hook calls."""
    assert api.seen == []
    with GitServer(home, database) as running:
        yield running
