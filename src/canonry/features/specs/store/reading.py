"""What answers ask of the index. Every question names the organization."""

from collections.abc import Iterator
from typing import Any

from psycopg import sql
from psycopg.rows import class_row, dict_row

from canonry.features.specs.models import Summary
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

_SUMMARY = sql.SQL("""repository_id, path, sha, doc_type, is_spec, title, status, owner, team, tags, review_status, problems,
    total_sections, done_sections, total_ac, done_ac, realized_ac""")
_TASKS = sql.SQL("""FROM spec_sections s JOIN spec_documents d ON d.id = s.document_id
    WHERE d.organization_id = %s AND s.status = ANY(%s) AND (%s::text[] IS NULL OR d.repository_id = ANY(%s))""")


def summaries(tx: Tx, organization_id: str, repository_id: str) -> list[Summary]:
    """Return the documents of a repository by path."""
    with tx.connection.cursor(row_factory=quick_row(Summary)) as cursor:
        query = sql.SQL("SELECT {} FROM spec_documents WHERE organization_id = %s AND repository_id = %s ORDER BY path").format(_SUMMARY)
        return cursor.execute(query, (organization_id, repository_id)).fetchall()


def other_documents(tx: Tx, organization_id: str, repository_ids: list[str]) -> list[Summary]:
    """Return the documents of repositories that are no specs, by repository and path."""
    with tx.connection.cursor(row_factory=quick_row(Summary)) as cursor:
        query = sql.SQL("""SELECT {} FROM spec_documents WHERE organization_id = %s AND NOT is_spec AND repository_id = ANY(%s)
            ORDER BY repository_id, path""").format(_SUMMARY)  # fmt: skip
        return cursor.execute(query, (organization_id, repository_ids)).fetchall()


def spec_ids(tx: Tx, organization_id: str) -> dict[str, list[int]]:
    """Return repository → its specs by path. A document that changes becomes another one: what is known of an id stays true."""
    rows = tx.connection.execute(
        """SELECT repository_id, array_agg(id ORDER BY path) FROM spec_documents WHERE organization_id = %s AND is_spec
           GROUP BY repository_id""",
        (organization_id,),
    ).fetchall()
    return dict(rows)


def specs_by_id(tx: Tx, organization_id: str, ids: list[int]) -> Iterator[tuple[int, Summary]]:
    """Give those of these specs that are still there."""
    rows = tx.connection.execute(
        sql.SQL("SELECT id, {} FROM spec_documents WHERE organization_id = %s AND id = ANY(%s)").format(_SUMMARY), (organization_id, ids)
    )
    for number, *values in rows:
        yield number, Summary(*values)


def any_spec(tx: Tx, organization_id: str, repository_ids: list[str] | None) -> bool:
    """Say whether an organization has a spec. repository_ids: only in these."""
    query = (
        "SELECT 1 FROM spec_documents WHERE organization_id = %s AND is_spec AND (%s::text[] IS NULL OR repository_id = ANY(%s)) LIMIT 1"
    )
    return tx.connection.execute(query, (organization_id, repository_ids, repository_ids)).fetchone() is not None


def document(tx: Tx, repository_id: str, path: str) -> Summary | None:
    """Return one document."""
    with tx.connection.cursor(row_factory=class_row(Summary)) as cursor:
        return cursor.execute(
            sql.SQL("SELECT {} FROM spec_documents WHERE repository_id = %s AND path = %s").format(_SUMMARY), (repository_id, path)
        ).fetchone()


def first_names(tx: Tx, repository_id: str, path: str) -> dict[str, str]:
    """Return criterion id → what it was called first, of those of a document that were reworded."""
    rows = tx.connection.execute(
        "SELECT criterion_id, first_id FROM criterion_names WHERE repository_id = %s AND path = %s", (repository_id, path)
    ).fetchall()
    return dict(rows)


def tasks(tx: Tx, organization_id: str, states: list[str], repositories: list[str] | None, limit: int) -> list[dict[str, Any]]:
    """Return the first sections of specs in these states, by repository, file and line. repositories: only of these.

    Each as the API shows it, with `document_id`, `position` and `repository_id` beside.
    """
    with tx.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            sql.SQL("""SELECT s.document_id, s.position, d.repository_id, s.section_id, s.number AS section_number, s.title, s.status,
                s.blocked_by, s.total_ac, s.done_ac, s.ticket_system, s.ticket_id, d.title AS spec_title, d.path AS spec_file_path,
                s.start_line AS line {} ORDER BY d.repository_id, d.path, s.position LIMIT %s""").format(_TASKS),
            (organization_id, states, repositories, repositories, limit),
        ).fetchall()


def count_tasks(tx: Tx, organization_id: str, states: list[str], repositories: list[str] | None) -> int:
    """Return how many sections of specs there are in these states. repositories: only of these."""
    values = (organization_id, states, repositories, repositories)
    row = tx.connection.execute(sql.SQL("SELECT count(*) {}").format(_TASKS), values).fetchone()
    return int(row[0]) if row else 0


def criteria(tx: Tx, sections: list[tuple[int, int]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Return (document, position of the section) → its criteria, for these sections."""
    documents, positions = [document_id for document_id, _ in sections], [position for _, position in sections]
    rows = tx.connection.execute(
        """SELECT document_id, section_position, criterion_id, text, checked, strength, line FROM spec_criteria
           WHERE document_id = ANY(%s) AND (document_id, section_position) IN (SELECT * FROM unnest(%s::bigint[], %s::int[]))
           ORDER BY document_id, position""",
        (sorted(set(documents)), documents, positions),
    ).fetchall()
    found: dict[tuple[int, int], list[dict[str, Any]]] = {key: [] for key in sections}
    for document_id, section, criterion_id, text, checked, strength, line in rows:
        found[document_id, section].append({"id": criterion_id, "text": text, "checked": checked, "strength": strength, "line": line})
    return found
