"""Writing the index of one repository: what went is deleted, what came is copied in, and the commit is noted, all in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from canonry.features.specs.models import Extract
from canonry.infra.tx import Tx

_ALWAYS_FITS = 60_000  # bytes of headings, of criteria, and of the rest
_TEMPORARY = """CREATE TEMPORARY TABLE IF NOT EXISTS arriving (
    path text, sha text, doc_type text, is_spec boolean, title text, status text, owner text, team text, tags text[], review_status text,
    frontmatter jsonb, problems integer, total_sections integer, done_sections integer, total_ac integer, done_ac integer,
    realized_ac integer, section_states text[], headings text, criteria_text text, body text) ON COMMIT DELETE ROWS"""
_COPY = """COPY arriving (path, sha, doc_type, is_spec, title, status, owner, team, tags, review_status, frontmatter, problems,
    total_sections, done_sections, total_ac, done_ac, realized_ac, section_states, headings, criteria_text, body) FROM STDIN"""
# The body holds headings and criteria as well: a word counts where it weighs most, and once more as text.
_MOVE = """INSERT INTO spec_documents (repository_id, organization_id, path, sha, doc_type, is_spec, title, status, owner, team, tags,
        review_status, frontmatter, problems, total_sections, done_sections, total_ac, done_ac, realized_ac,
        section_states, search)
    SELECT %s, %s, path, sha, doc_type, is_spec, title, status, owner, team, tags, review_status, frontmatter, problems, total_sections,
        done_sections, total_ac, done_ac, realized_ac, section_states, setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('english', headings), 'B') || setweight(to_tsvector('english', criteria_text), 'C')
        || setweight(to_tsvector('english', body), 'D')
    FROM arriving RETURNING path, id"""


def begin(tx: Tx, repository_id: str) -> None:
    """Hold the index of a repository until the transaction ends; make its row when there is none."""
    tx.connection.execute(
        """INSERT INTO spec_indexes (repository_id, organization_id) SELECT id, organization_id FROM repositories WHERE id = %s
           ON CONFLICT DO NOTHING""",
        (repository_id,),
    )
    tx.connection.execute("SELECT 1 FROM spec_indexes WHERE repository_id = %s FOR UPDATE", (repository_id,))


def remove(tx: Tx, repository_id: str, paths: Sequence[str]) -> None:
    """Take documents out, with everything that belongs to them."""
    tx.connection.execute("DELETE FROM spec_documents WHERE repository_id = %s AND path = ANY(%s)", (repository_id, list(paths)))


def insert(tx: Tx, repository_id: str, organization_id: str, extracts: Sequence[Extract]) -> None:
    """Add documents that are not there."""
    tx.connection.execute(_TEMPORARY)
    try:
        with tx.connection.transaction():
            ids = _documents(tx, repository_id, organization_id, extracts)
    except psycopg.errors.ProgramLimitExceeded:  # one of them has more different words than PostgreSQL keeps of a text
        ids = _documents(tx, repository_id, organization_id, [_shortened(found) for found in extracts])
    with tx.connection.cursor() as cursor:
        with cursor.copy(
            """COPY spec_sections (document_id, position, section_id, number, title, depth, status, blocked_by, start_line, end_line,
               ticket_system, ticket_id, ticket_url, delta, total_ac, done_ac, realized_ac, content) FROM STDIN"""
        ) as copy:
            for found in extracts:
                for row in found.sections:
                    copy.write_row((
                        ids[found.path], row.position, row.section_id, row.number, row.title, row.depth, row.status, row.blocked_by,
                        row.start_line, row.end_line, row.ticket_system, row.ticket_id, row.ticket_url, row.delta, row.total_ac,
                        row.done_ac, row.realized_ac, row.content,
                    ))  # fmt: skip
        with cursor.copy(
            """COPY spec_criteria (document_id, position, section_position, criterion_id, text, checked, strength, line, evidence)
               FROM STDIN"""
        ) as copy:
            for found in extracts:
                for item in found.criteria:
                    copy.write_row((
                        ids[found.path], item.position, item.section_position, item.criterion_id, item.text, item.checked, item.strength,
                        item.line, Jsonb(item.evidence) if item.evidence else "[]",
                    ))  # fmt: skip
        with cursor.copy("COPY spec_links (document_id, target, line) FROM STDIN") as copy:
            for found in extracts:
                for target, line in found.links:
                    copy.write_row((ids[found.path], target, line))


def _documents(tx: Tx, repository_id: str, organization_id: str, extracts: Sequence[Extract]) -> dict[str, int]:
    """Add the rows of documents, and return their numbers by path."""
    with tx.connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for found in extracts:
                copy.write_row(_document(found))
        ids: dict[str, int] = dict(cursor.execute(_MOVE, (repository_id, organization_id)).fetchall())
        cursor.execute("DELETE FROM arriving")
    return ids


def _shortened(found: Extract) -> Extract:
    """Return a document with so much of its text to be searched as always fits (1 MiB; a byte of text takes up to five)."""
    return replace(found, headings=_cut(found.headings), criteria_text=_cut(found.criteria_text), body=_cut(found.body))


def _cut(text: str) -> str:
    return text.encode()[:_ALWAYS_FITS].decode(errors="ignore")


def finish(
    tx: Tx, repository_id: str, *, commit: str | None, rules: str, config: Mapping[str, Any], diagnostics: Sequence[Mapping[str, Any]]
) -> None:
    """Note what the index is of now."""
    tx.connection.execute(
        "UPDATE spec_indexes SET commit = %s, rules = %s, config = %s, diagnostics = %s, indexed_at = now() WHERE repository_id = %s",
        (commit, rules, Jsonb(dict(config)), Jsonb([dict(item) for item in diagnostics]), repository_id),
    )


def forget(tx: Tx, repository_id: str) -> None:
    """Make the next run read everything again; what is indexed stays until then."""
    tx.connection.execute("UPDATE spec_indexes SET commit = NULL, rules = '' WHERE repository_id = %s", (repository_id,))


def name_criteria(tx: Tx, repository_id: str, path: str, names: Mapping[str, str]) -> None:
    """Remember what reworded criteria were called first. names: id of now → id of the version before."""
    with tx.connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO criterion_names (repository_id, path, criterion_id, first_id)
               VALUES (%s, %s, %s, coalesce((SELECT first_id FROM criterion_names
                   WHERE repository_id = %s AND path = %s AND criterion_id = %s), %s))
               ON CONFLICT (repository_id, path, criterion_id) DO UPDATE SET first_id = EXCLUDED.first_id""",
            [(repository_id, path, now, repository_id, path, before, before) for now, before in names.items()],
        )  # fmt: skip


def start_run(tx: Tx, repository_id: str) -> int:
    """Note that a run begins, and return its number; what an earlier, killed run left open is closed."""
    tx.connection.execute(
        """UPDATE index_runs SET status = 'failed', error = 'It was interrupted.', ended_at = now()
           WHERE repository_id = %s AND status = 'running'""",
        (repository_id,),
    )
    row = tx.connection.execute(
        "INSERT INTO index_runs (repository_id, status) VALUES (%s, 'running') RETURNING id", (repository_id,)
    ).fetchone()
    tx.connection.execute(
        """DELETE FROM index_runs WHERE repository_id = %s AND id <= (SELECT id FROM index_runs WHERE repository_id = %s
           ORDER BY id DESC OFFSET 100 LIMIT 1)""",
        (repository_id, repository_id),
    )
    return int(row[0]) if row else 0


def end_run(tx: Tx, run: int, *, status: str, commit: str | None, changed: int, removed: int, error: str = "") -> None:
    """Note how a run ended."""
    tx.connection.execute(
        "UPDATE index_runs SET status = %s, commit = %s, changed = %s, removed = %s, error = %s, ended_at = now() WHERE id = %s",
        (status, commit, changed, removed, error[:1000], run),
    )


def _document(found: Extract) -> Sequence[Any]:
    sections, criteria = found.sections, found.criteria
    return (
        found.path, found.sha, found.doc_type, found.is_spec, found.title, found.status, found.owner, found.team, found.tags,
        found.review_status, Jsonb(dict(found.frontmatter)), found.problems, len(sections), sum(row.status == "done" for row in sections),
        len(criteria), sum(row.checked for row in criteria), sum(bool(row.evidence) for row in criteria),
        sorted({row.status for row in sections}), found.headings, found.criteria_text, found.body,
    )  # fmt: skip
