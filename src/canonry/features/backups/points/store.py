"""All SQL on backups of projects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.backups.points.models import ProjectBackup
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, deployment_id, release_id, sealed_variables, variable_names, database_id,
    database_at, note, trigger, before_deployment_id, created_at FROM project_backups """)


def insert(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Add a backup; False when there is one already that was made before the same deployment."""
    query = """INSERT INTO project_backups (id, organization_id, project_id, deployment_id, release_id, sealed_variables, variable_names,
           database_id, database_at, note, trigger, before_deployment_id)
           VALUES (%(id)s, %(organization_id)s, %(project_id)s, %(deployment_id)s, %(release_id)s, %(sealed_variables)s,
           %(variable_names)s, %(database_id)s, %(database_at)s, %(note)s, %(trigger)s, %(before_deployment_id)s)
           ON CONFLICT (before_deployment_id) DO NOTHING"""
    return tx.connection.execute(query, row).rowcount == 1


def find(tx: Tx, organization_id: str, project_id: str, backup_id: str) -> ProjectBackup | None:
    """Return the organization's backup with that id."""
    with tx.connection.cursor(row_factory=class_row(ProjectBackup)) as cursor:
        query = _SELECT + sql.SQL("WHERE organization_id = %s AND project_id = %s AND id = %s")
        return cursor.execute(query, (organization_id, project_id, backup_id)).fetchone()


def page(tx: Tx, project_id: str, wanted: Page) -> list[ProjectBackup]:
    """Return up to limit + 1 backups of a project, newest first."""
    with tx.connection.cursor(row_factory=class_row(ProjectBackup)) as cursor:
        query = _SELECT + sql.SQL("""WHERE project_id = %s AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s))
            ORDER BY created_at DESC, id DESC LIMIT %s""")
        return cursor.execute(query, (project_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)).fetchall()


def delete(tx: Tx, backup_id: str) -> None:
    """Remove a backup."""
    tx.connection.execute("DELETE FROM project_backups WHERE id = %s", (backup_id,))


def delete_old(tx: Tx, project_id: str, kept: int) -> list[str]:
    """Remove the backups of a project that Canonry made by itself, behind the newest `kept`; return their ids."""
    query = """DELETE FROM project_backups WHERE id IN (SELECT id FROM project_backups WHERE project_id = %s AND trigger <> 'manual'
        ORDER BY created_at DESC, id DESC OFFSET %s) RETURNING id"""
    return [row[0] for row in tx.connection.execute(query, (project_id, kept)).fetchall()]


def is_made_of(tx: Tx, release_id: str) -> bool:
    """Say whether somebody has a backup of this release."""
    query = "SELECT 1 FROM project_backups WHERE release_id = %s AND trigger = 'manual' LIMIT 1"
    return tx.connection.execute(query, (release_id,)).fetchone() is not None


def projects_since(tx: Tx, moment: datetime) -> set[str]:
    """Return the ids of projects that have had their nightly backup since then."""
    query = "SELECT DISTINCT project_id FROM project_backups WHERE trigger = 'nightly' AND created_at >= %s"
    return {row[0] for row in tx.connection.execute(query, (moment,)).fetchall()}
