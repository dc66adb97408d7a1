"""Specifications at the fake GitHub, read and written with a token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from canonry.wiring.container import Container
from tests.support.api import container, machine
from tests.support.github_specs import SpecsAtGitHub, specs_at_github

__all__ = ["container", "machine"]


@pytest.fixture
def there(container: Container, tmp_path: Path) -> Iterator[SpecsAtGitHub]:
    """Give the two, with nothing added yet."""
    with specs_at_github(container, tmp_path) as made:
        yield made


@pytest.fixture
def app(container: Container, tmp_path: Path) -> Iterator[SpecsAtGitHub]:
    """The same, with the GitHub App, and accounts that people link."""
    with specs_at_github(container, tmp_path, app=True, github_client_id="Iv1.canonry") as made:
        yield made
