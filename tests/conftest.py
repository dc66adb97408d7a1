"""Fixtures for every test; each lives in the file of `tests/support` that it is about."""

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.api import api, common_api, container, machine
from tests.support.clusters import bare_clusters, bare_data, postgres_programs
from tests.support.dns import dns_server
from tests.support.edge import apps, caddy, own_caddy, secure_caddy
from tests.support.postgres import database, database_url, empty_database_url, postgres_server
from tests.support.redis import redis_server
from tests.support.s3 import s3_server
from tests.support.signing_in import browser, people, sign_in

__all__ = [
    "api",
    "apps",
    "bare_clusters",
    "bare_data",
    "browser",
    "caddy",
    "common_api",
    "container",
    "database",
    "database_url",
    "dns_server",
    "empty_database_url",
    "machine",
    "own_caddy",
    "people",
    "postgres_programs",
    "postgres_server",
    "redis_server",
    "s3_server",
    "secure_caddy",
    "sign_in",
]


def pytest_configure() -> None:
    """Let a run that is told to end (SIGTERM) take down what its tests started, as Ctrl-C does, in each process of it.

    How long an example of a property takes is no property: the machine may have other things to do.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings.register_profile("canonry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("canonry")
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the journeys where several processes share the files: one that takes minutes, begun last, would run alone in the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: "journeys" not in item.path.parts)
