"""All SQL of the search. It reads the index that `specs` keeps; every question names the organization."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psycopg
from psycopg import RawCursor
from psycopg.pq import TransactionStatus

from canonry.core.errors import Unavailable
from canonry.features.search.models import Filters, Found, Part
from canonry.features.search.statements import Statement, Statements, statements
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

FEW = 40
"""So many documents are taken apart to score them, one by one."""
_MOST_CHOICES = 50


@contextmanager
def bounded(tx: Tx, seconds: float, *, by_words: bool = True) -> Iterator[None]:
    """Let each statement of the block take so long, look no document through, and see the same state of the index.

    by_words: there is one way of finding words, whichever they are, so its plan is kept: making it takes longer than half of such a search.

    Raises: Unavailable `search_too_slow`.
    """
    bounds = f"SET LOCAL statement_timeout = {int(seconds * 1000)}; SET LOCAL enable_seqscan = off"
    if by_words:
        bounds += "; SET LOCAL plan_cache_mode = force_generic_plan"
    try:
        if tx.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            with _begun(tx, b"BEGIN ISOLATION LEVEL REPEATABLE READ; " + bounds.encode()):
                yield
            return
        with tx.connection.transaction():
            tx.connection.execute(bounds.encode())
            yield
    except psycopg.errors.QueryCanceled as error:
        hint = "Search for fewer or longer words, or try again later."
        raise Unavailable("search_too_slow", "This search took too long, so it was given up.", hint=hint) from error


@contextmanager
def _begun(tx: Tx, beginning: bytes) -> Iterator[None]:
    """Hold a transaction that begins so: one round trip less than the driver's own."""
    tx.connection.execute(beginning)
    try:
        yield
    except BaseException:
        tx.connection.rollback()
        raise
    tx.connection.commit()


def lexemes(tx: Tx, organization_id: str, words: list[str], most: int) -> list[tuple[str, str, list[str]]]:
    """Return each word with each of its stems as the index has them, and at most `most` words of the organization that begin so.

    Words of fewer than three letters are not among these. A word that says nothing (`the`) has no stem.
    """
    return tx.connection.execute(
        """SELECT word, stem, ARRAY(SELECT w.word FROM spec_words w WHERE w.organization_id = %s AND w.word >= stem
               AND w.word < stem || U&'\\+10FFFF' AND starts_with(w.word, stem) LIMIT %s)
           FROM unnest(%s::text[]) AS word, unnest(tsvector_to_array(to_tsvector('english', word))) AS stem
           ORDER BY stem""",
        (organization_id, most, words),
    ).fetchall()


def alike(tx: Tx, organization_id: str, stems: list[str], repositories: list[str] | None) -> dict[str, list[str]]:
    """Return stem → the words of the organization's documents that are most like it, at most three; none without any.

    repositories: only words of these. What once stood in a document is known for up to a day longer, so documents are asked as well.
    """
    rows = tx.connection.execute(
        r"""SELECT stem, word FROM unnest(%(stems)s::text[]) AS stem, LATERAL (
               SELECT word, likeness FROM (SELECT word, similarity(word, stem) AS likeness FROM spec_words
                   WHERE organization_id = %(organization)s AND word %% stem AND length(word) <= 60
                   ORDER BY likeness DESC, word LIMIT 8) near
               WHERE EXISTS (SELECT 1 FROM (SELECT organization_id, repository_id FROM spec_documents
                       WHERE search @@ ('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''')::tsquery OFFSET 0) d
                   WHERE d.organization_id = %(organization)s
                   AND (%(repositories)s::text[] IS NULL OR d.repository_id = ANY(%(repositories)s)))
               ORDER BY likeness DESC, word LIMIT 3) found ORDER BY stem, likeness DESC, word""",
        {"stems": stems, "organization": organization_id, "repositories": repositories},
    ).fetchall()
    found: dict[str, list[str]] = {}
    for stem, word in rows:
        found.setdefault(stem, []).append(word)
    return found


def matching(tx: Tx, organization_id: str, query: str, filters: Filters, limit: int, offset: int) -> tuple[list[Found], int]:
    """Return the documents that have every term, best first, and how many there are without limit and offset. query: of `tsquery`."""
    asked, values = _asked(organization_id, filters, limit, offset, query)
    total = _number(tx, asked.count, values)
    if total <= offset:
        return [], total
    return _rows(tx, asked.few if total <= FEW else asked.many, values), total


def best_choices(tx: Tx, organization_id: str, queries: list[str], filters: Filters) -> list[list[int]]:
    """Return which of the queries go together in the documents that have most of them: choices of their places in the list, none twice.

    A document that has one choice whole has nothing more; together the choices are all such documents, when they are not too many.
    """
    asked, values = _asked(organization_id, filters, _MOST_CHOICES, 0)
    values |= {"queries": queries}
    with RawCursor(tx.connection) as cursor:
        return [row[0] for row in cursor.execute(asked.best_choices.text, [values[name] for name in asked.best_choices.names]).fetchall()]


def everything(tx: Tx, organization_id: str, filters: Filters, limit: int, offset: int) -> tuple[list[Found], int]:
    """Return the specs that pass the filters, by repository and path, and how many there are without limit and offset."""
    asked, values = _asked(organization_id, filters, limit, offset)
    return _rows(tx, asked.specs, values), _number(tx, asked.count_of_specs, values)


def spellings(tx: Tx, organization_id: str) -> list[tuple[str, str]]:
    """Return each team, status and tag of an organization's documents, as it is written: (`team`, `status` or `tag`, text)."""
    return tx.connection.execute(
        """WITH found AS MATERIALIZED (SELECT team, status, tags FROM spec_documents WHERE organization_id = %s)
           SELECT 'team', team FROM found GROUP BY team
           UNION ALL SELECT 'status', status FROM found WHERE status IS NOT NULL GROUP BY status
           UNION ALL SELECT 'tag', tag FROM found, unnest(tags) tag GROUP BY tag""",
        (organization_id,),
    ).fetchall()


def parts(tx: Tx, document_ids: list[int]) -> dict[int, list[Part]]:
    """Return document → its sections in their order."""
    found: dict[int, list[Part]] = {}
    with tx.connection.cursor(row_factory=quick_row(Part)) as cursor:
        rows = cursor.execute(
            """SELECT document_id, position, section_id, number, title, status, start_line, content FROM spec_sections
               WHERE document_id = ANY(%s) ORDER BY document_id, position""",
            (document_ids,),
        ).fetchall()
    for part in rows:
        found.setdefault(part.document_id, []).append(part)
    return found


def facets(tx: Tx, organization_id: str, repositories: list[str] | None) -> dict[str, dict[str, int]]:
    """Return how many specs of the organization there are of each status, repository (by id), team and tag."""
    rows = tx.connection.execute(
        """WITH specs AS MATERIALIZED (SELECT status, repository_id, team, tags FROM spec_documents
               WHERE organization_id = %s AND is_spec AND (%s::text[] IS NULL OR repository_id = ANY(%s)))
           SELECT 'status', status, count(*) FROM specs WHERE status IS NOT NULL GROUP BY status
           UNION ALL SELECT 'repo', repository_id, count(*) FROM specs GROUP BY repository_id
           UNION ALL SELECT 'team', team, count(*) FROM specs WHERE team <> '' GROUP BY team
           UNION ALL SELECT 'tag', tag, count(*) FROM specs, unnest(tags) tag GROUP BY tag""",
        (organization_id, repositories, repositories),
    ).fetchall()
    found: dict[str, dict[str, int]] = {"status": {}, "repo": {}, "team": {}, "tag": {}}
    for kind, value, count in sorted(rows, key=lambda row: (-row[2], row[1])):
        found[kind][value] = count
    return found


def _asked(organization_id: str, filters: Filters, limit: int, offset: int, query: str = "") -> tuple[Statements, dict[str, object]]:
    """Return what is asked, and its values."""
    values = asdict(filters)
    narrowed = tuple(name for name, value in values.items() if value is not None)
    values |= {"organization": organization_id, "query": query, "limit": limit, "offset": offset, "enough": limit + offset, "few": FEW}
    return statements(narrowed), values


def _rows(tx: Tx, statement: Statement, values: dict[str, object]) -> list[Found]:
    with RawCursor(tx.connection, row_factory=quick_row(Found)) as cursor:
        return cursor.execute(statement.text, [values[name] for name in statement.names], prepare=True).fetchall()


def _number(tx: Tx, statement: Statement, values: dict[str, object]) -> int:
    with RawCursor(tx.connection) as cursor:
        row = cursor.execute(statement.text, [values[name] for name in statement.names], prepare=True).fetchone()
    return int(row[0]) if row else 0
