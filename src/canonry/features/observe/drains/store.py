"""All SQL on log drains."""

from collections.abc import Mapping, Sequence

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.observe.drains.models import Drain
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, project_id, kind, shown_target, sealed_target, environment, format, gzip, sealed_authorization, authority,
    created_at, sent_lines, failures, last_sent_at, last_error, last_error_at, next_try_at FROM drains """)


def insert(tx: Tx, values: Mapping[str, object]) -> None:
    """Add a drain."""
    tx.connection.execute(
        """INSERT INTO drains (id, project_id, kind, shown_target, sealed_target, environment, format, gzip,
           sealed_authorization, authority) VALUES (%(id)s, %(project_id)s, %(kind)s, %(shown_target)s, %(sealed_target)s, %(environment)s,
           %(format)s, %(gzip)s, %(sealed_authorization)s, %(authority)s)""",
        values,
    )


def of_project(tx: Tx, project_id: str) -> list[Drain]:
    """Return the drains of a project, the oldest first."""
    with tx.connection.cursor(row_factory=class_row(Drain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s ORDER BY created_at, id"), (project_id,)).fetchall()


def find(tx: Tx, project_id: str, drain_id: str) -> Drain | None:
    """Return that drain of the project."""
    with tx.connection.cursor(row_factory=class_row(Drain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s AND id = %s"), (project_id, drain_id)).fetchone()


def due(tx: Tx) -> list[Drain]:
    """Return the drains of all projects that may send now."""
    with tx.connection.cursor(row_factory=class_row(Drain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE next_try_at IS NULL OR next_try_at <= now() ORDER BY id")).fetchall()


def delete(tx: Tx, drain_id: str) -> None:
    """Delete a drain and its positions."""
    tx.connection.execute("DELETE FROM drains WHERE id = %s", (drain_id,))


def positions(tx: Tx, drain_id: str) -> dict[str, int]:
    """Return instance → how far its log is sent."""
    rows = tx.connection.execute("SELECT instance_id, position FROM drain_positions WHERE drain_id = %s", (drain_id,)).fetchall()
    return {row[0]: row[1] for row in rows}


def set_positions(tx: Tx, drain_id: str, found: Mapping[str, int]) -> None:
    """Note how far each log is sent; a drain that is gone is no error."""
    tx.connection.execute(
        """INSERT INTO drain_positions (drain_id, instance_id, position)
           SELECT d.id, p.instance_id, p.position FROM unnest(%s::text[], %s::bigint[]) AS p (instance_id, position)
           JOIN drains d ON d.id = %s
           ON CONFLICT (drain_id, instance_id) DO UPDATE SET position = EXCLUDED.position""",
        (list(found), list(found.values()), drain_id),
    )


def forget_positions(tx: Tx, drain_id: str, kept: Sequence[str]) -> None:
    """Drop the positions of instances whose logs are gone."""
    tx.connection.execute("DELETE FROM drain_positions WHERE drain_id = %s AND instance_id <> ALL(%s)", (drain_id, list(kept)))


def note_sent(tx: Tx, drain_id: str, lines: int) -> None:
    """Note that lines were sent; failures are over."""
    tx.connection.execute(
        "UPDATE drains SET sent_lines = sent_lines + %s, failures = 0, last_sent_at = now(), next_try_at = NULL WHERE id = %s",
        (lines, drain_id),
    )


def note_failure(tx: Tx, drain_id: str, error: str, most: float) -> None:
    """Note that an attempt failed, and that the next one comes in 1, 2, 4, … seconds, at most `most`."""
    tx.connection.execute(
        """UPDATE drains SET failures = failures + 1, last_error = %s, last_error_at = now(),
           next_try_at = now() + make_interval(secs => least(%s, power(2, least(failures, 20)))) WHERE id = %s""",
        (error, most, drain_id),
    )


def counts(tx: Tx) -> dict[str, int]:
    """Return how many drains are waiting, ok and failing."""
    rows = tx.connection.execute(
        """SELECT CASE WHEN failures > 0 THEN 'failing' WHEN last_sent_at IS NULL THEN 'waiting' ELSE 'ok' END AS status, count(*)
           FROM drains GROUP BY 1"""
    ).fetchall()
    return {"waiting": 0, "ok": 0, "failing": 0} | {row[0]: row[1] for row in rows}
