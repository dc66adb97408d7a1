"""What is done as superuser when a cluster starts. Apart from the rest, because importing psycopg takes a while."""

import time

import psycopg
from psycopg import sql

from canonry.ports.clusters import SUPERUSER


def end_recovery_and_set_password(url: str, password: str, patience: float) -> None:
    """Wait until the cluster has ended its recovery, then give the superuser this password.

    Raises: psycopg.Error; TimeoutError when it still recovers after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        while _is_recovering(connection):
            if time.monotonic() > deadline:
                raise TimeoutError(f"it still recovers after {patience:g} s")
            time.sleep(0.05)
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), sql.Literal(password)))


def reload_settings(url: str) -> None:
    """Have the server read its files again."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_reload_conf()")


def clients(url: str) -> int:
    """Return how many others are connected, backups included."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _is_recovering(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])
