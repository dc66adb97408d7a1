"""A real PostgreSQL for tests: one server for the session, a fresh migrated database for each test that asks.

Fixtures: `postgres_server` (session), `database_url` (a new, migrated database; a Secret), `database` (an open `Database` on it).
"""

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.infra.db import Database
from canonry.infra.files import remove_tree
from canonry.infra.migrations import migrate, migrations_folder
from canonry.infra.postgres import Postgres

_TEMPLATE = "canonry_template"
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Start one server for the whole session, with a template database that has all migrations."""
    root = Path(tempfile.mkdtemp(prefix="canonry-tests-"))
    home = Home(root / "home")
    home.create()
    server = Postgres(home, settings=_FAST)
    try:
        server.ensure()
        _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate(server.database_url(_TEMPLATE), migrations_folder())
        yield server
    finally:
        server.stop()
        remove_tree(root)


@pytest.fixture
def empty_database_url(postgres_server: Postgres) -> Iterator[Secret]:
    """Give the address of a new database with nothing in it; it is dropped afterwards."""
    yield from _database(postgres_server, "template0")


@pytest.fixture
def database_url(postgres_server: Postgres) -> Iterator[Secret]:
    """Give the address of a new database with all migrations; it is dropped afterwards."""
    yield from new_database(postgres_server)


@pytest.fixture
def database(database_url: Secret) -> Iterator[Database]:
    """Give an open pool on a new database with all migrations."""
    pool = Database(database_url)
    pool.open()
    try:
        yield pool
    finally:
        pool.close()


def new_database(server: Postgres) -> Iterator[Secret]:
    """Give the address of a new database with all migrations; it is dropped afterwards."""
    yield from _database(server, _TEMPLATE)


def keep_commits(url: Secret) -> None:
    """Let what new connections commit outlive a kill of this server, as it does outside tests: ours answers before it has written."""
    with psycopg.connect(url.reveal(), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(name))


def _database(server: Postgres, template: str) -> Iterator[Secret]:
    name = f"test_{secrets.token_hex(6)}"
    _execute(server, sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield server.database_url(name)
    finally:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: Postgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.database_url("postgres").reveal(), autocommit=True) as connection:
        connection.execute(statement)
