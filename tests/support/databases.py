"""Real databases of projects, in tests over the API: made, connected to as apps do, taken away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from canonry.features import databases
from canonry.features.databases import making, store
from canonry.features.databases.models import Database, State, Wish
from canonry.features.projects import service as projects
from canonry.wiring.container import Container
from tests.support.api import Api


def made(api: Api, slug: str, **wish: object) -> dict[str, Any]:
    """Make the database of a project and return the answer, its connection string included."""
    answer = api.ask("POST", f"/v1/projects/{slug}/database", wish or None)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def row_of(api: Api, slug: str, environment: str = "production") -> Database:
    """Return the row of a project's database."""
    found = api.get(f"/v1/projects/{slug}")
    with api.container.transactions.begin() as tx:
        database = databases.live_of(tx, found["id"], environment)
    assert database is not None
    return database


def row_only(container: Container, slug: str) -> str:
    """Make the row of a database without a server behind it, for tests that only look, and return its id."""
    with container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT id FROM projects WHERE slug = %s", (slug,)).fetchone()
        assert row is not None
        database = making.planned(tx, container, projects.get_any(tx, row[0]), "production", Wish())
        store.update(tx, database.id, {"state": str(State.ACTIVE)})
    return database.id


@contextmanager
def connected(url: str) -> Iterator[Connection[Any]]:
    """Connect as an app does."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        yield connection


def answers(url: str) -> bool:
    """Say whether one can connect with that."""
    try:
        with connected(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Carry out a statement as the app and return its rows."""
    with connected(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
