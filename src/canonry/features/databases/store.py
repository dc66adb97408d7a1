"""All SQL on the table of databases. What is done inside a project's own cluster is in `inside.py`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.databases.models import Database
from canonry.infra.tx import Tx

_PORTS = 7_226_690  # key of the advisory lock on choosing a port
_NAMES = (
    "id", "organization_id", "project_id", "environment", "role", "state", "cluster_id", "port", "version", "tier", "disk_mb", "login",
    "sealed_password", "previous_login", "sealed_previous", "previous_until", "rotated_at", "sleeps", "public", "read_only", "nearly_full",
    "size_bytes", "last_used_at", "reason", "busy_until", "source", "created_at",
)  # fmt: skip
_SELECT = sql.SQL("SELECT {} FROM databases ").format(sql.SQL(", ").join(map(sql.Identifier, _NAMES)))


def insert(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add a database. row: column → value; the others take their defaults. Raises: psycopg UniqueViolation (port, live)."""
    query = sql.SQL("INSERT INTO databases ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    tx.connection.execute(query, row)


def find(tx: Tx, organization_id: str, project_id: str, database_id: str) -> Database | None:
    """Return the organization's database with that id."""
    query = _SELECT + sql.SQL("WHERE organization_id = %s AND project_id = %s AND id = %s AND state <> 'removing'")
    return _one(tx, query, (organization_id, project_id, database_id))


def get(tx: Tx, database_id: str) -> Database | None:
    """Return a database, for Canonry's own work."""
    return _one(tx, _SELECT + sql.SQL("WHERE id = %s"), (database_id,))


def hold(tx: Tx, database_id: str) -> Database | None:
    """Return a database whose row nobody else changes until the transaction ends."""
    return _one(tx, _SELECT + sql.SQL("WHERE id = %s FOR UPDATE"), (database_id,))


def live(tx: Tx, project_id: str, environment: str) -> Database | None:
    """Return what an environment uses, one that is being made included."""
    query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s AND role = 'live' AND state <> 'removing'")
    return _one(tx, query, (project_id, environment))


def of_project(tx: Tx, project_id: str) -> list[Database]:
    """Return the databases of a project, oldest first, those of previews and restored ones included."""
    return _all(tx, _SELECT + sql.SQL("WHERE project_id = %s AND state <> 'removing' ORDER BY created_at, id"), (project_id,))


def everything(tx: Tx) -> list[Database]:
    """Return all databases of all projects, for Canonry's own work."""
    return _all(tx, _SELECT, ())


def removing(tx: Tx, project_id: str, environment: str) -> list[Database]:
    """Return the databases of an environment that are to be removed."""
    query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s AND state = 'removing'")
    return _all(tx, query, (project_id, environment))


def clusters_of(tx: Tx, project_id: str) -> list[str]:
    """Return the clusters of a project, whatever they are for."""
    return [row[0] for row in tx.connection.execute("SELECT cluster_id FROM databases WHERE project_id = %s", (project_id,)).fetchall()]


def hold_ports(tx: Tx) -> None:
    """Let nobody else choose a port until the transaction ends."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PORTS,))


def ports(tx: Tx) -> set[int]:
    """Return the ports that are given away."""
    return {row[0] for row in tx.connection.execute("SELECT port FROM databases").fetchall()}


def update(tx: Tx, database_id: str, changes: Mapping[str, object]) -> None:
    """Set columns."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    tx.connection.execute(sql.SQL("UPDATE databases SET {} WHERE id = %s").format(parts), (*changes.values(), database_id))


def note_told(tx: Tx, database_id: str, what: str) -> bool:
    """Note that its owners are told that it is `nearly` full, or `full`; False when they have been since it last had room."""
    query = "UPDATE databases SET fill_told = %s WHERE id = %s AND fill_told NOT IN (%s, 'full')"
    return tx.connection.execute(query, (what, database_id, what)).rowcount == 1


def full(tx: Tx) -> list[tuple[str, int, int]]:
    """Return (slug, bytes, MiB allowed) of each project whose database of production takes no writes, because it is full."""
    query = """SELECT p.slug, d.size_bytes, d.disk_mb FROM databases d JOIN projects p ON p.id = d.project_id
        WHERE d.role = 'live' AND d.environment = 'production' AND d.state = 'active' AND d.read_only ORDER BY p.slug, d.id"""
    return [(row[0], row[1], row[2]) for row in tx.connection.execute(query).fetchall()]


def end_claim(tx: Tx, database_id: str, until: datetime) -> None:
    """Let a database be worked on again, unless whoever had it until then has been followed by somebody else."""
    tx.connection.execute("UPDATE databases SET busy_until = NULL WHERE id = %s AND busy_until = %s", (database_id, until))


def condemn(tx: Tx, project_id: str, environment: str) -> None:
    """Note that every database of an environment is to be removed."""
    tx.connection.execute("UPDATE databases SET state = 'removing' WHERE project_id = %s AND environment = %s", (project_id, environment))


def end_previous(tx: Tx, project_id: str, environment: str, *, started: datetime, seconds: float) -> None:
    """Let the login before a rotation end when `seconds` have passed, for a deployment that began after the rotation."""
    tx.connection.execute(
        """UPDATE databases SET previous_until = now() + make_interval(secs => %s) WHERE project_id = %s AND environment = %s
           AND role = 'live' AND previous_login IS NOT NULL AND previous_until IS NULL AND rotated_at < %s""",
        (seconds, project_id, environment, started),
    )


def delete(tx: Tx, database_id: str) -> None:
    """Delete a row."""
    tx.connection.execute("DELETE FROM databases WHERE id = %s", (database_id,))


def _one(tx: Tx, query: sql.Composed, arguments: Sequence[object]) -> Database | None:
    with tx.connection.cursor(row_factory=class_row(Database)) as cursor:
        return cursor.execute(query, arguments).fetchone()


def _all(tx: Tx, query: sql.Composed, arguments: Sequence[object]) -> list[Database]:
    with tx.connection.cursor(row_factory=class_row(Database)) as cursor:
        return cursor.execute(query, arguments).fetchall()
