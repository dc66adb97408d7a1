"""All SQL on how sections and tickets go together: links, documents that are in step, runs."""

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.features.tickets.models import Link, Run
from canonry.infra.tx import Tx

_RUN = sql.SQL("SELECT id, repository_id, trigger, direction, dry_run, status, result, created_at, ended_at FROM ticket_runs ")
_KEPT = 100


def links(tx: Tx, repository_id: str) -> dict[tuple[str, str], Link]:
    """Return (system, ticket) → the states in which both sides were left."""
    with tx.connection.cursor(row_factory=class_row(Link)) as cursor:
        found = cursor.execute(
            "SELECT system, ticket_id, section_state, ticket_state, words FROM ticket_links WHERE repository_id = %s", (repository_id,)
        ).fetchall()
    return {(link.system, link.ticket_id): link for link in found}


def repositories_of(tx: Tx, organization_id: str, system: str, ticket_id: str) -> set[str]:
    """Return the repositories of an organization that were once in step with a ticket."""
    rows = tx.connection.execute(
        """SELECT l.repository_id FROM ticket_links l JOIN repositories r ON r.id = l.repository_id
           WHERE r.organization_id = %s AND l.system = %s AND l.ticket_id = %s""",
        (organization_id, system, ticket_id),
    ).fetchall()
    return {row[0] for row in rows}


def put_links(tx: Tx, repository_id: str, found: Iterable[Link]) -> None:
    """Remember in which states both sides are now."""
    with tx.connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO ticket_links (repository_id, system, ticket_id, section_state, ticket_state, words)
               VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (repository_id, system, ticket_id) DO UPDATE SET
               section_state = excluded.section_state, ticket_state = excluded.ticket_state, words = excluded.words, synced_at = now()""",
            [(repository_id, link.system, link.ticket_id, link.section_state, link.ticket_state, link.words) for link in found],
        )


def documents(tx: Tx, repository_id: str) -> dict[str, str]:
    """Return path → the blob that was last brought together with its tickets; `CANON.yaml` → the digest of what it said."""
    rows = tx.connection.execute("SELECT path, sha FROM ticket_documents WHERE repository_id = %s", (repository_id,)).fetchall()
    return {row[0]: row[1] for row in rows}


def put_documents(tx: Tx, repository_id: str, shas: Mapping[str, str], gone: Iterable[str] = ()) -> None:
    """Remember which blobs are in step now, and forget those of files that are gone."""
    with tx.connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO ticket_documents (repository_id, path, sha) VALUES (%s, %s, %s)
               ON CONFLICT (repository_id, path) DO UPDATE SET sha = excluded.sha""",
            [(repository_id, path, sha) for path, sha in shas.items()],
        )
    tx.connection.execute("DELETE FROM ticket_documents WHERE repository_id = %s AND path = ANY(%s)", (repository_id, list(gone)))


def add_run(tx: Tx, run_id: str, repository_id: str, *, trigger: str, direction: str, dry_run: bool, status: str) -> None:
    """Add a run, and remove the oldest beyond a hundred of its repository."""
    tx.connection.execute(
        "INSERT INTO ticket_runs (id, repository_id, trigger, direction, dry_run, status) VALUES (%s, %s, %s, %s, %s, %s)",
        (run_id, repository_id, trigger, direction, dry_run, status),
    )
    tx.connection.execute(
        """DELETE FROM ticket_runs WHERE id IN (SELECT id FROM ticket_runs WHERE repository_id = %s
           ORDER BY created_at DESC, id DESC OFFSET %s)""",
        (repository_id, _KEPT),
    )


def end_run(tx: Tx, run_id: str, *, status: str, result: Mapping[str, Any]) -> None:
    """Note how a run ended."""
    tx.connection.execute(
        "UPDATE ticket_runs SET status = %s, result = %s, ended_at = now() WHERE id = %s", (status, Jsonb(dict(result)), run_id)
    )


def run(tx: Tx, repository_id: str, run_id: str) -> Run | None:
    """Return a run of a repository."""
    with tx.connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(_RUN + sql.SQL("WHERE repository_id = %s AND id = %s"), (repository_id, run_id)).fetchone()


def runs(tx: Tx, repository_id: str) -> list[Run]:
    """Return the runs of a repository, newest first."""
    with tx.connection.cursor(row_factory=class_row(Run)) as cursor:
        query = _RUN + sql.SQL("WHERE repository_id = %s ORDER BY created_at DESC, id DESC")
        return cursor.execute(query, (repository_id,)).fetchall()
