"""All SQL on backups of databases, and on gaps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.core.paging import Page
from canonry.features.backups.archiving.models import DatabaseBackup, Due, Kind, KnownGap
from canonry.features.databases import Database
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, database_id, cluster_id, kind, trigger, parent_id, state, started_at, ended_at,
    point_at, size_bytes, data_bytes, rows, exact, error FROM database_backups """)


def begin(tx: Tx, backup_id: str, database: Database, due: Due) -> bool:
    """Add a backup that runs; False when another of the cluster does."""
    return tx.connection.execute(
        """INSERT INTO database_backups (id, organization_id, project_id, database_id, cluster_id, kind, trigger, parent_id, state)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'running') ON CONFLICT DO NOTHING""",
        (backup_id, database.organization_id, database.project_id, database.id, database.cluster_id, str(due.kind), str(due.trigger),
         due.parent_id),
    ).rowcount == 1  # fmt: skip


def end(tx: Tx, backup_id: str, changes: Mapping[str, object]) -> DatabaseBackup | None:
    """Note how it ended; None when it does not run (any more)."""
    values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in changes.items()}
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
    query = sql.SQL("UPDATE database_backups SET ended_at = now(), {} WHERE id = %s AND state = 'running'").format(parts)
    if tx.connection.execute(query, (*values.values(), backup_id)).rowcount != 1:
        return None
    return _one(tx, _SELECT + sql.SQL("WHERE id = %s"), (backup_id,))


def running(tx: Tx) -> list[DatabaseBackup]:
    """Return what runs, or was running when somebody was killed."""
    return _all(tx, _SELECT + sql.SQL("WHERE state = 'running'"), ())


def get(tx: Tx, backup_id: str) -> DatabaseBackup | None:
    """Return a backup, for Canonry's own work."""
    return _one(tx, _SELECT + sql.SQL("WHERE id = %s"), (backup_id,))


def find(tx: Tx, organization_id: str, project_id: str, backup_id: str) -> DatabaseBackup | None:
    """Return the organization's backup with that id."""
    return _one(
        tx, _SELECT + sql.SQL("WHERE organization_id = %s AND project_id = %s AND id = %s"), (organization_id, project_id, backup_id)
    )


def page(tx: Tx, organization_id: str, project_id: str, wanted: Page, *, kind: Kind | None = None) -> list[DatabaseBackup]:
    """Return up to limit + 1 backups of a project's databases, newest first. kind: only of that kind."""
    query = _SELECT + sql.SQL("""WHERE organization_id = %s AND project_id = %s AND (%s::text IS NULL OR kind = %s)
        AND (%s::timestamptz IS NULL OR (started_at, id) < (%s, %s)) ORDER BY started_at DESC, id DESC LIMIT %s""")
    which = (organization_id, project_id, kind, kind, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)
    return _all(tx, query, which)


def note_unreadable(tx: Tx, backup_id: str, error: Mapping[str, str]) -> bool:
    """Note why a backup cannot be read any more; say whether that is new."""
    query = "UPDATE database_backups SET error = %s WHERE id = %s AND state = 'done' AND error IS NULL"
    return tx.connection.execute(query, (Jsonb(dict(error)), backup_id)).rowcount == 1


def of_clusters(tx: Tx, clusters: Sequence[str]) -> dict[str, list[DatabaseBackup]]:
    """Return the backups of each of these clusters, newest first."""
    found: dict[str, list[DatabaseBackup]] = {cluster: [] for cluster in clusters}
    query = _SELECT + sql.SQL("WHERE cluster_id = ANY(%s) ORDER BY started_at DESC, id DESC")
    for backup in _all(tx, query, (list(clusters),)):
        found[backup.cluster_id].append(backup)
    return found


def abandoned(tx: Tx, before: datetime) -> list[str]:
    """Return the clusters whose database is gone and whose last backup was made before then."""
    rows = tx.connection.execute(
        """SELECT cluster_id FROM database_backups b WHERE NOT EXISTS (SELECT 1 FROM databases d WHERE d.cluster_id = b.cluster_id)
           GROUP BY cluster_id HAVING max(started_at) < %s""",
        (before,),
    ).fetchall()  # fmt: skip
    return [row[0] for row in rows]


def deleted_clusters(tx: Tx, project_id: str) -> list[str]:
    """Return the clusters of a project that base backups are kept of and whose database was deleted, the oldest first."""
    rows = tx.connection.execute(
        """SELECT cluster_id FROM database_backups b WHERE project_id = %s AND kind <> 'dump' AND state = 'done'
           AND NOT EXISTS (SELECT 1 FROM databases d WHERE d.cluster_id = b.cluster_id) GROUP BY cluster_id ORDER BY min(started_at)""",
        (project_id,),
    ).fetchall()
    return [row[0] for row in rows]


def delete(tx: Tx, backup_ids: Sequence[str]) -> list[DatabaseBackup]:
    """Forget backups; return what they were."""
    found = _all(tx, _SELECT + sql.SQL("WHERE id = ANY(%s) AND state <> 'running'"), (list(backup_ids),))
    tx.connection.execute("DELETE FROM database_backups WHERE id = ANY(%s) AND state <> 'running'", (list(backup_ids),))
    return found


def delete_failed(tx: Tx, cluster: str, before: datetime) -> None:
    """Forget old failures of a cluster."""
    query = "DELETE FROM database_backups WHERE cluster_id = %s AND state = 'failed' AND started_at < %s"
    tx.connection.execute(query, (cluster, before))


def note_gap(tx: Tx, database: Database, segment: str, at: datetime) -> bool:
    """Note a segment that was let go; say whether it was new."""
    return tx.connection.execute(
        """INSERT INTO backup_gaps (cluster_id, segment, organization_id, project_id, database_id, at) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT DO NOTHING""",
        (database.cluster_id, segment, database.organization_id, database.project_id, database.id, at),
    ).rowcount == 1  # fmt: skip


def close_gaps(tx: Tx, cluster: str, began: datetime) -> None:
    """Note that a base backup which began then is there."""
    query = "UPDATE backup_gaps SET closed_at = now() WHERE cluster_id = %s AND closed_at IS NULL AND at < %s"
    tx.connection.execute(query, (cluster, began))


def gaps(tx: Tx, organization_id: str, project_id: str) -> list[KnownGap]:
    """Return the gaps of a project's databases, oldest first."""
    with tx.connection.cursor(row_factory=class_row(KnownGap)) as cursor:
        return cursor.execute(
            """SELECT cluster_id, segment, project_id, database_id, at, closed_at FROM backup_gaps
               WHERE organization_id = %s AND project_id = %s ORDER BY at, segment""",
            (organization_id, project_id),
        ).fetchall()  # fmt: skip


def delete_gaps(tx: Tx, cluster: str, before: datetime) -> None:
    """Forget gaps that lie before every moment one can restore to."""
    tx.connection.execute("DELETE FROM backup_gaps WHERE cluster_id = %s AND closed_at < %s", (cluster, before))


def _one(tx: Tx, query: sql.Composed, arguments: tuple[Any, ...]) -> DatabaseBackup | None:
    with tx.connection.cursor(row_factory=class_row(DatabaseBackup)) as cursor:
        return cursor.execute(query, arguments).fetchone()


def _all(tx: Tx, query: sql.Composed | sql.SQL, arguments: tuple[Any, ...]) -> list[DatabaseBackup]:
    with tx.connection.cursor(row_factory=class_row(DatabaseBackup)) as cursor:
        return cursor.execute(query, arguments).fetchall()
