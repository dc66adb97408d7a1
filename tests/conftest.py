"""Fixtures for every test; each lives in the file of `tests/support` that it is about."""

from tests.support.api import api, container, machine
from tests.support.edge import apps, caddy, own_caddy
from tests.support.postgres import database, database_url, empty_database_url, postgres_server

__all__ = [
    "api",
    "apps",
    "caddy",
    "container",
    "database",
    "database_url",
    "empty_database_url",
    "machine",
    "own_caddy",
    "postgres_server",
]
