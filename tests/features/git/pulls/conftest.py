"""The real API over memory adapters, and somebody with a work tree."""

from pathlib import Path

import pytest

from tests.support.api import api
from tests.support.git import Person

__all__ = ["api"]


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Somebody with a work tree at `main`, one spec in it."""
    person = Person(tmp_path / "work of ada")
    person.commit({"docs/specs/login.md": "# Login\n"}, "First")
    return person
