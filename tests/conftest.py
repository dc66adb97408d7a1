"""Fixtures for every test; each lives in the file of `tests/support` that it is about."""

from tests.support.edge import apps, caddy, own_caddy
from tests.support.postgres import database, database_url, empty_database_url, postgres_server

__all__ = ["apps", "caddy", "database", "database_url", "empty_database_url", "own_caddy", "postgres_server"]
