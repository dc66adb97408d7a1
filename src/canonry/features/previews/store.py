"""All SQL on previews."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.previews.models import Preview
from canonry.infra.tx import Tx

_COLUMNS = sql.SQL("""id, organization_id, project_id, environment, branch, pull_request, fork, commit, commit_message, approved_commit,
    deployment_id, label, lifetime, expires_at, created_at""")
_SELECT = sql.SQL("SELECT {} FROM previews ").format(_COLUMNS)
_OPENING = 7_226_690  # first key of the advisory lock under which previews of one project are made


def hold(tx: Tx, project_id: str) -> None:
    """Be the only one who makes previews of this project, until the transaction ends."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_OPENING, project_id))


def insert(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add an open preview."""
    tx.connection.execute(
        """INSERT INTO previews (id, organization_id, project_id, environment, branch, pull_request, fork, commit, commit_message, label,
           lifetime, expires_at) VALUES (%(id)s, %(organization_id)s, %(project_id)s, %(environment)s, %(branch)s, %(pull_request)s,
           %(fork)s, %(commit)s, %(commit_message)s, %(label)s, %(lifetime)s, now() + %(lifetime)s)""",
        row,
    )


def find_open(tx: Tx, project_id: str, environment: str) -> Preview | None:
    """Return the open preview of an environment and lock its row: who closes it waits."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s AND closed_at IS NULL FOR UPDATE")
        return cursor.execute(query, (project_id, environment)).fetchone()


def of_pull_request(tx: Tx, project_id: str, pull_request: int) -> list[Preview]:
    """Return the open previews of a pull request."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND pull_request = %s AND closed_at IS NULL")
        return cursor.execute(query, (project_id, pull_request)).fetchall()


def find(tx: Tx, organization_id: str, project_id: str, key: str) -> Preview | None:
    """Return the open preview of a project with that id or label."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("""WHERE organization_id = %s AND project_id = %s AND (id = %s OR label = %s) AND closed_at IS NULL""")
        return cursor.execute(query, (organization_id, project_id, key, key)).fetchone()


def get(tx: Tx, preview_id: str) -> Preview | None:
    """Return a preview, open or closed, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s"), (preview_id,)).fetchone()


def of_environment(tx: Tx, project_id: str, environment: str) -> Preview | None:
    """Return the newest preview of an environment, open or closed."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s ORDER BY created_at DESC, id DESC LIMIT 1")
        return cursor.execute(query, (project_id, environment)).fetchone()


def all_open(tx: Tx, project_id: str) -> list[Preview]:
    """Return the open previews of a project, newest first."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND closed_at IS NULL ORDER BY created_at DESC, id DESC")
        return cursor.execute(query, (project_id,)).fetchall()


def count_running(tx: Tx, project_id: str) -> int:
    """Return how many open previews of a project use anything: all but those of forks that nobody has let in yet."""
    query = "SELECT count(*) FROM previews WHERE project_id = %s AND closed_at IS NULL AND (fork IS NULL OR approved_commit IS NOT NULL)"
    row = tx.connection.execute(query, (project_id,)).fetchone()
    return int(row[0]) if row else 0


def expired(tx: Tx) -> list[Preview]:
    """Return open previews whose time is over; some of them at a time."""
    with tx.connection.cursor(row_factory=class_row(Preview)) as cursor:
        query = _SELECT + sql.SQL("WHERE closed_at IS NULL AND expires_at <= now() ORDER BY expires_at LIMIT 50")
        return cursor.execute(query).fetchall()


def update(tx: Tx, preview_id: str, changes: Mapping[str, object]) -> None:
    """Set columns."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    tx.connection.execute(sql.SQL("UPDATE previews SET {} WHERE id = %s").format(parts), (*changes.values(), preview_id))


def prolong(tx: Tx, preview_id: str, lifetime: timedelta) -> None:
    """Let a preview stay for `lifetime` from now on."""
    tx.connection.execute("UPDATE previews SET lifetime = %s, expires_at = now() + %s WHERE id = %s", (lifetime, lifetime, preview_id))


def close(tx: Tx, preview_id: str, version: str | None) -> bool:
    """Note that a preview is closed; say whether it was open, and of that version when one is named."""
    query = """UPDATE previews SET closed_at = now()
        WHERE id = %s AND closed_at IS NULL AND (%s::timestamptz IS NULL OR expires_at = %s::timestamptz)"""
    return tx.connection.execute(query, (preview_id, version, version)).rowcount == 1
