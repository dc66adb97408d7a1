"""Fixtures for every test; each lives in the file of `tests/support` that it is about."""

import signal

from tests.support.api import api, common_api, container, machine
from tests.support.edge import apps, caddy, own_caddy
from tests.support.postgres import database, database_url, empty_database_url, postgres_server

__all__ = [
    "api",
    "apps",
    "caddy",
    "common_api",
    "container",
    "database",
    "database_url",
    "empty_database_url",
    "machine",
    "own_caddy",
    "postgres_server",
]


def pytest_configure() -> None:
    """Let a run that is told to end (SIGTERM) take down what its tests started, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
