"""All SQL on proofs."""

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.backups.proofs.models import Proof, Standing
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, database_id, backup_id, result, drill_id, document, signature, public_key,
    created_at, ended_at FROM proofs """)


def insert(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Add a proof that waits; False when one of the database is under way already."""
    query = """INSERT INTO proofs (id, organization_id, project_id, database_id, result)
        VALUES (%(id)s, %(organization_id)s, %(project_id)s, %(database_id)s, 'waiting')
        ON CONFLICT (database_id) WHERE result IN ('waiting', 'running') DO NOTHING"""
    return tx.connection.execute(query, row).rowcount == 1


def hold(tx: Tx, proof_id: str) -> Proof | None:
    """Return a proof that nobody else changes until the transaction ends, for Canonry's own work."""
    return _one(tx, _SELECT + sql.SQL("WHERE id = %s FOR UPDATE"), (proof_id,))


def under_way(tx: Tx, database_id: str) -> Proof | None:
    """Return the proof of a database that waits or runs."""
    return _one(tx, _SELECT + sql.SQL("WHERE database_id = %s AND result IN ('waiting', 'running')"), (database_id,))


def all_under_way(tx: Tx) -> list[Proof]:
    """Return every proof that waits or runs."""
    with tx.connection.cursor(row_factory=class_row(Proof)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE result IN ('waiting', 'running') ORDER BY created_at, id")).fetchall()


def find(tx: Tx, organization_id: str, project_id: str, proof_id: str) -> Proof | None:
    """Return the organization's proof with that id."""
    query = _SELECT + sql.SQL("WHERE organization_id = %s AND project_id = %s AND id = %s")
    return _one(tx, query, (organization_id, project_id, proof_id))


def page(tx: Tx, project_id: str, wanted: Page) -> list[Proof]:
    """Return up to limit + 1 proofs of a project, newest first."""
    with tx.connection.cursor(row_factory=class_row(Proof)) as cursor:
        query = _SELECT + sql.SQL("""WHERE project_id = %s AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s))
            ORDER BY created_at DESC, id DESC LIMIT %s""")
        return cursor.execute(query, (project_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)).fetchall()


def results(tx: Tx, project_id: str) -> dict[str, str]:
    """Return, for each backup that was ever tried, how the last trial ended."""
    query = """SELECT DISTINCT ON (backup_id) backup_id, result FROM proofs
        WHERE project_id = %s AND backup_id IS NOT NULL AND result IN ('passed', 'failed') ORDER BY backup_id, ended_at DESC"""
    return {row[0]: row[1] for row in tx.connection.execute(query, (project_id,)).fetchall()}


def delete(tx: Tx, proof_id: str) -> None:
    """Forget a proof that came to nothing."""
    tx.connection.execute("DELETE FROM proofs WHERE id = %s", (proof_id,))


def update(tx: Tx, proof_id: str, changes: Mapping[str, object]) -> None:
    """Set columns."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    tx.connection.execute(sql.SQL("UPDATE proofs SET {} WHERE id = %s").format(parts), (*changes.values(), proof_id))


def standings(tx: Tx) -> list[Standing]:
    """Return how each live database of production stands."""
    with tx.connection.cursor(row_factory=class_row(Standing)) as cursor:
        query = """SELECT d.organization_id, d.project_id, d.id AS database_id, p.slug, d.created_at,
            (SELECT max(ended_at) FROM proofs WHERE database_id = d.id AND result = 'passed') AS proven_at,
            (SELECT max(created_at) FROM proofs WHERE database_id = d.id) AS tried_at,
            (SELECT told_at FROM proof_alarms WHERE database_id = d.id) AS told_at
            FROM databases d JOIN projects p ON p.id = d.project_id
            WHERE d.role = 'live' AND d.environment = 'production' AND d.state = 'active' ORDER BY d.created_at, d.id"""
        return cursor.execute(query).fetchall()


def note_told(tx: Tx, database_id: str) -> None:
    """Note that somebody was told now."""
    tx.connection.execute(
        """INSERT INTO proof_alarms (database_id, told_at) VALUES (%s, now())
           ON CONFLICT (database_id) DO UPDATE SET told_at = excluded.told_at""",
        (database_id,),
    )


def delete_old(tx: Tx, days: int) -> None:
    """Forget proofs older than that, and alarms of databases that are gone."""
    tx.connection.execute("DELETE FROM proofs WHERE ended_at < now() - make_interval(days => %s)", (days,))
    tx.connection.execute("DELETE FROM proof_alarms WHERE NOT EXISTS (SELECT 1 FROM databases d WHERE d.id = database_id)")


def _one(tx: Tx, query: sql.Composed, arguments: tuple[object, ...]) -> Proof | None:
    with tx.connection.cursor(row_factory=class_row(Proof)) as cursor:
        return cursor.execute(query, arguments).fetchone()
