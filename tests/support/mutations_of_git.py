"""How to call each operation about hosted repositories, so that it succeeds (see tests/support/mutations.py)."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from canonry.features.git import hosted_repository
from tests.support.api import Api
from tests.support.git import Person
from tests.support.mutation import Call


def _made(api: Api) -> Call:
    return Call({"repository": api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]["id"]})


def _pushed(api: Api) -> Call:
    call = _made(api)
    with tempfile.TemporaryDirectory() as folder:
        person = Person(Path(folder) / "work")
        person.commit({"README.md": "# one"})
        person.git("push", "--quiet", str(hosted_repository(api.container.home, call.values["repository"])), "main")
    return call


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /repositories": lambda _api: Call(body={"name": "handbook", "description": "what we do"}),
    "DELETE /repositories/{repository}": _made,
    "POST /repositories/{repository}/refresh": _pushed,
}
