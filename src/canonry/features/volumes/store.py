"""All SQL on volumes."""

from collections.abc import Collection

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.volumes.models import Volume
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, environment, name, path, size_bytes, used_bytes, files, made_at, detached_at,
    measured_at, full_at, created_at FROM volumes """)


def insert(tx: Tx, volume_id: str, project_id: str, environment: str, *, name: str, path: str, size_bytes: int) -> bool:
    """Add a volume unless the environment has one of that name, or the project is gone; say whether it was added."""
    query = """INSERT INTO volumes (id, organization_id, project_id, environment, name, path, size_bytes)
        SELECT %s, organization_id, id, %s, %s, %s, %s FROM projects WHERE id = %s FOR KEY SHARE
        ON CONFLICT (project_id, environment, name) DO NOTHING"""
    return tx.connection.execute(query, (volume_id, environment, name, path, size_bytes, project_id)).rowcount == 1


def of_environment(tx: Tx, project_id: str, environment: str) -> list[Volume]:
    """Return the volumes of an environment by name, and lock their rows."""
    with tx.connection.cursor(row_factory=class_row(Volume)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s ORDER BY name FOR UPDATE")
        return cursor.execute(query, (project_id, environment)).fetchall()


def of_project(tx: Tx, project_id: str) -> list[Volume]:
    """Return the volumes of all environments of a project."""
    with tx.connection.cursor(row_factory=class_row(Volume)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s ORDER BY environment, name"), (project_id,)).fetchall()


def everything(tx: Tx) -> list[Volume]:
    """Return every volume whose folder was made, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Volume)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE made_at IS NOT NULL ORDER BY id")).fetchall()


def get(tx: Tx, volume_id: str) -> Volume | None:
    """Return a volume and lock its row, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Volume)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s FOR UPDATE"), (volume_id,)).fetchone()


def find(tx: Tx, organization_id: str, project_id: str, key: str, environment: str) -> Volume | None:
    """Return the volume of a project with that id, or that name in this environment, and lock its row."""
    with tx.connection.cursor(row_factory=class_row(Volume)) as cursor:
        query = _SELECT + sql.SQL("""WHERE organization_id = %s AND project_id = %s
            AND (id = %s OR (name = %s AND environment = %s)) FOR UPDATE""")
        return cursor.execute(query, (organization_id, project_id, key, key, environment)).fetchone()


def status_of_project(tx: Tx, project_id: str) -> str:
    """Return the status of a project, which stays like that until the transaction ends."""
    row = tx.connection.execute("SELECT status FROM projects WHERE id = %s FOR SHARE", (project_id,)).fetchone()
    return str(row[0]) if row is not None else ""


def made(tx: Tx, volume_ids: Collection[str]) -> None:
    """Note that the folders of these volumes are there."""
    tx.connection.execute("UPDATE volumes SET made_at = now() WHERE id = ANY(%s) AND made_at IS NULL", (list(volume_ids),))


def declare(tx: Tx, volume_id: str, path: str, size_bytes: int) -> None:
    """Note where the live release has a volume, and how large it may be."""
    query = "UPDATE volumes SET path = %s, size_bytes = %s, detached_at = NULL WHERE id = %s"
    tx.connection.execute(query, (path, size_bytes, volume_id))


def detach(tx: Tx, volume_id: str) -> None:
    """Note that no live release has a volume."""
    tx.connection.execute("UPDATE volumes SET detached_at = now() WHERE id = %s", (volume_id,))


def measured(tx: Tx, volume_id: str, used_bytes: int, files: int) -> None:
    """Note what a volume holds now, and since when it is too much."""
    query = """UPDATE volumes SET used_bytes = %s, files = %s, measured_at = now(),
        full_at = CASE WHEN %s > size_bytes THEN coalesce(full_at, now()) END WHERE id = %s"""
    tx.connection.execute(query, (used_bytes, files, used_bytes, volume_id))


def delete(tx: Tx, volume_ids: Collection[str]) -> None:
    """Forget volumes."""
    tx.connection.execute("DELETE FROM volumes WHERE id = ANY(%s)", (list(volume_ids),))
