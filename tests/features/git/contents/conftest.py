"""A bare repository with something in it."""

from pathlib import Path

import pytest

from canonry.core.paths import Home
from canonry.features.git import hosted_repository
from canonry.features.git.hosted import ensure_hosted
from tests.support.git import Person


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "a home with spaces")
    made.create()
    return made


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Somebody with a work tree at `main`, one commit in it."""
    person = Person(tmp_path / "work of ada")
    person.commit({"README.md": "# one\n", "docs/specs/login.md": "# Login\n", "docs/big.md": "x" * 5000}, "First")
    return person


@pytest.fixture
def empty(home: Home) -> Path:
    return ensure_hosted(home, "prj_empty", "main")


@pytest.fixture
def repository(home: Home, ada: Person) -> Path:
    made = ensure_hosted(home, "prj_1", "main")
    ada.git("push", "--quiet", str(made), "main")
    return hosted_repository(home, "prj_1")
