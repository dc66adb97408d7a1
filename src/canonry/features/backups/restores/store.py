"""All SQL on restores."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.core.paging import Page
from canonry.features.backups.restores.models import Restore
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, environment, database_id, target_id, at, backup_id, dump_id, state, step,
    difference, error, pause_ms, created_by, created_at, ended_at, undo_until FROM restores """)


def insert(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add a restore. Raises: psycopg UniqueViolation when another one of the project is under way."""
    query = sql.SQL("INSERT INTO restores ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    tx.connection.execute(query, row)


def find(tx: Tx, organization_id: str, project_id: str, restore_id: str) -> Restore | None:
    """Return the organization's restore with that id."""
    query = _SELECT + sql.SQL("WHERE organization_id = %s AND project_id = %s AND id = %s")
    return next(iter(_all(tx, query, (organization_id, project_id, restore_id))), None)


def hold(tx: Tx, restore_id: str) -> Restore | None:
    """Return a restore that nobody else changes until the transaction ends, for Canonry's own work."""
    return next(iter(_all(tx, _SELECT + sql.SQL("WHERE id = %s FOR UPDATE"), (restore_id,))), None)


def page(tx: Tx, project_id: str, wanted: Page) -> list[Restore]:
    """Return up to limit + 1 restores of a project, newest first."""
    query = _SELECT + sql.SQL("""WHERE project_id = %s AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s))
        ORDER BY created_at DESC, id DESC LIMIT %s""")
    return _all(tx, query, (project_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1))


def of_phase(tx: Tx, project_id: str, states: Sequence[str]) -> list[Restore]:
    """Return the restores of a project in one of these states, oldest first."""
    query = _SELECT + sql.SQL("WHERE project_id = %s AND state = ANY(%s) ORDER BY created_at, id")
    return _all(tx, query, (project_id, list(states)))


def under_way(tx: Tx) -> list[Restore]:
    """Return the restores that somebody prepares, promotes or undoes."""
    return _all(tx, _SELECT + sql.SQL("WHERE state IN ('preparing', 'promoting', 'undoing') ORDER BY created_at, id"), ())


def past_undoing(tx: Tx) -> list[Restore]:
    """Return the promoted ones whose former database has been kept long enough; `undo_until` goes when that is removed."""
    query = _SELECT + sql.SQL("WHERE state = 'promoted' AND undo_until < now()")
    return _all(tx, query, ())


def replaced_by(tx: Tx, database_id: str) -> list[tuple[str, datetime]]:
    """Return what was live before this database, each (its name in the archive, until when), the oldest first."""
    query = """WITH RECURSIVE former AS (
        SELECT database_id, ended_at FROM restores WHERE target_id = %s AND state = 'promoted'
        UNION SELECT r.database_id, r.ended_at FROM restores r JOIN former f ON r.target_id = f.database_id WHERE r.state = 'promoted')
        SELECT database_id, ended_at FROM former WHERE ended_at IS NOT NULL ORDER BY ended_at"""
    return [(row[0], row[1]) for row in tx.connection.execute(query, (database_id,)).fetchall()]


def update(tx: Tx, restore_id: str, changes: Mapping[str, object]) -> None:
    """Set columns; dictionaries become JSON."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    values = [Jsonb(value) if isinstance(value, dict) else value for value in changes.values()]
    tx.connection.execute(sql.SQL("UPDATE restores SET {} WHERE id = %s").format(parts), (*values, restore_id))


def _all(tx: Tx, query: sql.Composed, arguments: tuple[object, ...]) -> list[Restore]:
    with tx.connection.cursor(row_factory=class_row(Restore)) as cursor:
        return cursor.execute(query, arguments).fetchall()
