"""Somebody with a repository, a project that is deployed from it, and the host that tells of its changes."""

from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.git import Person
from tests.support.webhooks import Host, connected


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Somebody with a work tree at `main`, one page in it."""
    person = Person(tmp_path / "ada")
    person.commit({"index.html": "<p>main</p>"}, "First page")
    return person


@pytest.fixture
def host(api: Api, ada: Person) -> Host:
    """Give the host of the project `shop`, which is deployed from Ada's repository."""
    return connected(api, api.project("shop"), ada.url)


def branch(ada: Person, name: str, page: str) -> str:
    """Commit a page to a branch and return the commit."""
    ada.git("checkout", "--quiet", "-B", name)
    return ada.commit({"index.html": page}, f"Change {name}")
