"""All SQL of the search. It reads the index that `specs` keeps; every question names the organization."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from canonry.core.errors import Unavailable
from canonry.features.search.models import Filters, Found, Part
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

# Where a document has every word: {a} in its title, {b} in a heading, {c} in a criterion, {d} in its text.
_WEIGHTS = (("'{a}'", 3), ("'{b}'", 2), ("'{c}'", 1.5), ("'{d}'", 1))
_COLUMNS = sql.SQL("d.id, d.repository_id, d.path, d.doc_type, d.is_spec, d.title, d.status, d.owner, d.team, d.tags, d.review_status")
_FILTERS = sql.SQL("""d.organization_id = %(organization)s AND (%(repositories)s::text[] IS NULL OR d.repository_id = ANY(%(repositories)s))
    AND (%(team)s::text IS NULL OR lower(d.team) = lower(%(team)s))
    AND (%(tag)s::text IS NULL OR EXISTS (SELECT 1 FROM unnest(d.tags) tag WHERE lower(tag) = lower(%(tag)s)))
    AND (%(status)s::text IS NULL OR lower(d.status) = lower(%(status)s) OR lower(%(status)s) = ANY(d.section_states))
    AND (%(review)s::text IS NULL OR d.review_status = lower(%(review)s))""")
# Each IN is a set that the index answers; a document would have to be taken apart to say where in it a word stands.
_SCORE = sql.SQL(" + ").join(
    sql.SQL("""CASE WHEN d.id IN (SELECT id FROM spec_documents WHERE ts_filter(search, {}) @@ to_tsquery('simple', %(query)s))
        THEN {}::float8 ELSE 0 END""").format(sql.SQL(place), sql.Literal(weight))
    for place, weight in _WEIGHTS
)
# What is found is taken from the index of words before it is filtered (OFFSET 0 keeps the two apart): the planner knows no other way then.
_MATCHING = sql.SQL("""SELECT {}, {} AS score FROM (SELECT * FROM spec_documents WHERE search @@ to_tsquery('simple', %(query)s) OFFSET 0) d
    WHERE {}""").format(sql.SQL("d.id, d.is_spec, d.repository_id, d.path, count(*) OVER () AS total"), _SCORE, _FILTERS)
_EVERYTHING = sql.SQL("""SELECT d.id, d.is_spec, d.repository_id, d.path, count(*) OVER () AS total, NULL::float8 AS score
    FROM spec_documents d WHERE d.is_spec AND {}""").format(_FILTERS)


@contextmanager
def bounded(tx: Tx, seconds: float) -> Iterator[None]:
    """Let each statement of the block take so long, and look no document through. Raises: Unavailable `search_too_slow`."""
    try:
        with tx.connection.transaction():
            tx.connection.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'off', true)", (str(int(seconds * 1000)),)
            )
            yield
    except psycopg.errors.QueryCanceled as error:
        hint = "Search for fewer or longer words, or try again later."
        raise Unavailable("search_too_slow", "This search took too long, so it was given up.", hint=hint) from error


def lexemes(tx: Tx, words: list[str]) -> dict[str, list[str]]:
    """Return word → its stems as the index has them; none for a word that says nothing (`the`)."""
    rows = tx.connection.execute(
        "SELECT word, tsvector_to_array(to_tsvector('english', word)) FROM unnest(%s::text[]) AS word", (words,)
    ).fetchall()
    return dict(rows)


def unknown(tx: Tx, organization_id: str, stems: list[str]) -> set[str]:
    """Return the stems that no word of the organization's documents begins with."""
    rows = tx.connection.execute(
        """SELECT stem FROM unnest(%s::text[]) AS stem WHERE NOT EXISTS (SELECT 1 FROM spec_words w
           WHERE w.organization_id = %s AND w.word >= stem AND w.word < stem || U&'\\FFFF' AND starts_with(w.word, stem))""",
        (stems, organization_id),
    ).fetchall()
    return {row[0] for row in rows}


def alike(tx: Tx, organization_id: str, stems: list[str]) -> dict[str, list[str]]:
    """Return stem → the words of the organization's documents that are most like it, at most three; none without any."""
    rows = tx.connection.execute(
        """SELECT stem, word FROM unnest(%s::text[]) AS stem, LATERAL (SELECT word, similarity(word, stem) AS likeness FROM spec_words
           WHERE organization_id = %s AND word %% stem ORDER BY likeness DESC, word LIMIT 3) found ORDER BY stem, likeness DESC, word""",
        (stems, organization_id),
    ).fetchall()
    found: dict[str, list[str]] = {}
    for stem, word in rows:
        found.setdefault(stem, []).append(word)
    return found


def matching(tx: Tx, organization_id: str, query: str, filters: Filters, limit: int, offset: int) -> tuple[list[Found], int]:
    """Return the documents that have every term, best first, and how many there are without limit and offset. query: of `tsquery`."""
    return _page(tx, _MATCHING, {**_values(organization_id, filters), "query": query}, limit, offset)


def everything(tx: Tx, organization_id: str, filters: Filters, limit: int, offset: int) -> tuple[list[Found], int]:
    """Return the specs that pass the filters, by repository and path, and how many there are without limit and offset."""
    return _page(tx, _EVERYTHING, _values(organization_id, filters), limit, offset)


def parts(tx: Tx, document_ids: list[int]) -> dict[int, list[Part]]:
    """Return document → its sections in their order."""
    found: dict[int, list[Part]] = {}
    with tx.connection.cursor(row_factory=quick_row(Part)) as cursor:
        for part in cursor.execute(
            """SELECT document_id, position, section_id, number, title, status, start_line, content FROM spec_sections
               WHERE document_id = ANY(%s) ORDER BY document_id, position""",
            (document_ids,),
        ):  # fmt: skip
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


def _page(tx: Tx, statement: sql.Composed, values: dict[str, object], limit: int, offset: int) -> tuple[list[Found], int]:
    """Return what stands on a page, and how many there are. Only what is shown is read whole."""
    order = sql.SQL("score DESC, d.is_spec DESC, d.repository_id, d.path")
    whole = sql.SQL("""SELECT {}, d.score, d.total FROM (SELECT page.score, page.total, whole.* FROM ({} ORDER BY {} LIMIT %(limit)s
        OFFSET %(offset)s) page JOIN spec_documents whole USING (id)) d ORDER BY {}""").format(_COLUMNS, statement, order, order)
    values |= {"limit": limit, "offset": offset}
    with tx.connection.cursor(row_factory=quick_row(Found)) as cursor:
        rows = cursor.execute(whole, values).fetchall()
    if rows or not offset:
        return rows, rows[0].total if rows else 0
    row = tx.connection.execute(sql.SQL("SELECT count(*) FROM ({}) d").format(statement), values).fetchone()
    return [], int(row[0]) if row else 0


def _values(organization_id: str, filters: Filters) -> dict[str, object]:
    return {
        "organization": organization_id, "repositories": filters.repositories, "team": filters.team, "tag": filters.tag,
        "status": filters.status, "review": filters.review,
    }  # fmt: skip
