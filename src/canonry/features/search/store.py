"""All SQL of the search. It reads the index that `specs` keeps; every question names the organization."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from canonry.core.errors import Unavailable
from canonry.features.search.models import Filters, Found, Part
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

FEW = 500
"""So many documents are scored all."""
VERY_FEW = 150
"""So many documents are taken apart to score them."""
_MOST_CHOICES = 50
# Where a document has every word: a in its title, b in a heading, c in a criterion, d in its text; the score is the sum.
_WEIGHTS = {"a": 3.0, "b": 2.0, "c": 1.5, "d": 1.0}
_OUTSIDE_TITLE = 4.5  # no document scores more that has not every word in its title
_A, _B, _C, _D = (sql.SQL("ts_filter(d.search, {}) @@ to_tsquery('simple', %(query)s)").format(f"{{{place}}}") for place in _WEIGHTS)
_ANYWHERE = sql.SQL("d.search @@ to_tsquery('simple', %(query)s)")
_ASKED = sql.SQL("d.search @@ to_tsquery('simple', asked.query)")
_A_OR_B, _C_AND_D = sql.SQL("({} OR {})").format(_A, _B), sql.SQL("{} AND {}").format(_C, _D)
_ORDER = sql.SQL("score DESC, is_spec DESC, repository_id, path")
# Filter → the columns it looks at, and what has to be true. Only what narrows a search is in its statement: columns cost time as well.
_NARROWING = {
    "teams": ("team", sql.SQL("d.team = ANY(%(teams)s)")),
    "statuses": ("status, section_states", sql.SQL("(d.status = ANY(%(statuses)s) OR d.section_states && %(statuses)s::text[])")),
    "tags": ("tags", sql.SQL("d.tags && %(tags)s::text[]")),
    "review": ("review_status", sql.SQL("d.review_status = lower(%(review)s)")),
    "repositories": ("repository_id", sql.SQL("d.repository_id = ANY(%(repositories)s)")),
}


@dataclass(frozen=True)
class _Statements:
    """What is asked for one choice of filters: how many fit, and a page of them."""

    count: bytes
    in_title: bytes
    in_heading: bytes
    anywhere: bytes
    count_of_specs: bytes
    specs: bytes
    best_choices: bytes


@functools.cache
def _statements(narrowed: tuple[str, ...]) -> _Statements:
    """Return the statements that have these filters.

    To score all that is found takes several times as long as to find it, so the best are looked for among fewer first. in_title: those
    with every word in the title. in_heading: those with every word in the title or in a heading, then the first of those that have them in
    a criterion and in the text; all others score less.
    """
    columns = sql.SQL(", ").join(sql.SQL(_NARROWING[name][0]) for name in dict.fromkeys(("repositories", *narrowed)))
    passing = sql.SQL(" AND ").join([sql.SQL("d.organization_id = %(organization)s"), *(_NARROWING[name][1] for name in narrowed)])

    def found(which: sql.Composable, *, with_words: bool = False) -> sql.Composed:
        # Taken from the index of words before they are filtered (OFFSET 0 keeps the two apart): the planner knows no other way then.
        return sql.SQL("(SELECT id, is_spec, path, organization_id, {}{} FROM spec_documents d WHERE {} OFFSET 0) d WHERE {}").format(
            columns, sql.SQL(", search") if with_words else sql.SQL(""), which, passing
        )

    def scored(which: sql.Composable, among: sql.Composable) -> sql.Composed:
        return sql.SQL("""WITH found AS MATERIALIZED (SELECT d.id, d.is_spec, d.repository_id, d.path, d.search FROM {}),
                size AS MATERIALIZED (SELECT count(*) <= %(very_few)s AS is_small FROM (SELECT FROM found LIMIT %(very_few)s + 1) begun)
            SELECT d.id, d.is_spec, d.repository_id, d.path, {} AS score FROM found d""").format(
            found(which, with_words=True), _score(among)
        )  # fmt: skip

    specs = sql.SQL("spec_documents d WHERE d.is_spec AND {}").format(passing)
    in_heading = sql.SQL("""WITH high AS MATERIALIZED ({}) SELECT * FROM high UNION ALL
        (SELECT d.id, d.is_spec, d.repository_id, d.path, {} FROM {} AND d.id NOT IN (SELECT id FROM high)
        ORDER BY d.is_spec DESC, d.repository_id, d.path LIMIT %(limit)s + %(offset)s)""").format(
        scored(_A_OR_B, _A_OR_B), _WEIGHTS["c"] + _WEIGHTS["d"], found(_C_AND_D)
    )  # fmt: skip
    return _Statements(
        _count(found(_ANYWHERE)), _page(scored(_A, _A)), _page(in_heading), _page(scored(_ANYWHERE, sql.SQL("TRUE"))), _count(specs),
        _page(sql.SQL("SELECT d.id, TRUE AS is_spec, d.repository_id, d.path, NULL::float8 AS score FROM {}").format(specs)),
        sql.SQL("""WITH hits AS MATERIALIZED (SELECT d.id, array_agg(asked.term::int - 1 ORDER BY asked.term) AS terms
                FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS asked (query, term), LATERAL {} GROUP BY d.id)
            SELECT terms FROM hits WHERE cardinality(terms) = (SELECT max(cardinality(terms)) FROM hits)
            GROUP BY terms ORDER BY count(*) DESC, terms LIMIT %(limit)s""").format(found(_ASKED)).as_bytes(),
    )  # fmt: skip


def _score(among: sql.Composable) -> sql.Composed:
    """Return the score of what is in `found`. among: is true of all of it.

    Few documents are taken apart to say where in them the words stand; of more, each IN is a set that the index answers.
    """
    return sql.SQL(" + ").join(
        sql.SQL("""CASE WHEN CASE WHEN (SELECT is_small FROM size) THEN {}
            ELSE d.id IN (SELECT d.id FROM spec_documents d WHERE {} AND {}) END THEN {}::float8 ELSE 0 END""")
        .format(has, has, among, weight) for has, weight in zip((_A, _B, _C, _D), _WEIGHTS.values(), strict=True)
    )  # fmt: skip


def _page(rows: sql.Composable) -> bytes:
    """Return the statement for a page of these. Only what is shown is read whole."""
    return sql.SQL("""SELECT d.id, d.repository_id, d.path, d.doc_type, d.is_spec, d.title, d.status, d.owner, d.team, d.tags,
            d.review_status, d.sha, page.score
        FROM (SELECT id, score FROM ({}) d ORDER BY {} LIMIT %(limit)s OFFSET %(offset)s) page JOIN spec_documents d USING (id)
        ORDER BY {}""").format(rows, _ORDER, _ORDER).as_bytes()  # fmt: skip


def _count(rows: sql.Composable) -> bytes:
    return sql.SQL("SELECT count(*) FROM {}").format(rows).as_bytes()


@contextmanager
def bounded(tx: Tx, seconds: float) -> Iterator[None]:
    """Let each statement of the block take so long, look no document through, and see the same state of the index.

    Raises: Unavailable `search_too_slow`.
    """
    is_first = tx.connection.info.transaction_status == TransactionStatus.IDLE
    try:
        with tx.connection.transaction():
            isolation = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; " if is_first else ""
            bounds = f"SET LOCAL statement_timeout = {int(seconds * 1000)}; SET LOCAL enable_seqscan = off"
            tx.connection.execute((isolation + bounds).encode())
            yield
    except psycopg.errors.QueryCanceled as error:
        hint = "Search for fewer or longer words, or try again later."
        raise Unavailable("search_too_slow", "This search took too long, so it was given up.", hint=hint) from error


def lexemes(tx: Tx, organization_id: str, words: list[str]) -> list[tuple[str, str, bool]]:
    """Return each word with each of its stems as the index has them, and whether a word of the organization's documents begins so.

    A word that says nothing (`the`) has no stem.
    """
    return tx.connection.execute(
        """SELECT word, stem, EXISTS (SELECT 1 FROM spec_words w WHERE w.organization_id = %s AND w.word >= stem
               AND w.word < stem || U&'\\FFFF' AND starts_with(w.word, stem))
           FROM unnest(%s::text[]) AS word, unnest(tsvector_to_array(to_tsvector('english', word))) AS stem
           ORDER BY stem""",
        (organization_id, words),
    ).fetchall()


def alike(tx: Tx, organization_id: str, stems: list[str], repositories: list[str] | None) -> dict[str, list[str]]:
    """Return stem → the words of the organization's documents that are most like it, at most three; none without any.

    repositories: only words of these. What once stood in a document is known for up to a day longer, so documents are asked as well.
    """
    rows = tx.connection.execute(
        r"""SELECT stem, word FROM unnest(%(stems)s::text[]) AS stem, LATERAL (
               SELECT word, likeness FROM (SELECT word, similarity(word, stem) AS likeness FROM spec_words
                   WHERE organization_id = %(organization)s AND word %% stem ORDER BY likeness DESC, word LIMIT 8) near
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
    statements, values = _asked(organization_id, filters, limit, offset, query)
    total = _number(tx, statements.count, values)
    if total > FEW:
        rows = _rows(tx, statements.in_title, values)
        if len(rows) == limit and (rows[-1].score or 0) > _OUTSIDE_TITLE:
            return rows, total
        rows = _rows(tx, statements.in_heading, values)
        if len(rows) == limit:
            return rows, total
    return _rows(tx, statements.anywhere, values) if total > offset else [], total


def best_choices(tx: Tx, organization_id: str, queries: list[str], filters: Filters) -> list[list[int]]:
    """Return which of the queries go together in the documents that have most of them: choices of their places in the list, none twice.

    A document that has one choice whole has nothing more; together the choices are all such documents, when they are not too many.
    """
    statements, values = _asked(organization_id, filters, _MOST_CHOICES, 0)
    return [row[0] for row in tx.connection.execute(statements.best_choices, {**values, "queries": queries}).fetchall()]


def everything(tx: Tx, organization_id: str, filters: Filters, limit: int, offset: int) -> tuple[list[Found], int]:
    """Return the specs that pass the filters, by repository and path, and how many there are without limit and offset."""
    statements, values = _asked(organization_id, filters, limit, offset)
    return _rows(tx, statements.specs, values), _number(tx, statements.count_of_specs, values)


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


def _asked(organization_id: str, filters: Filters, limit: int, offset: int, query: str = "") -> tuple[_Statements, dict[str, object]]:
    """Return what is asked, and its values."""
    values = asdict(filters)
    statements = _statements(tuple(name for name, value in values.items() if value is not None))
    return statements, {**values, "organization": organization_id, "query": query, "limit": limit, "offset": offset, "very_few": VERY_FEW}


def _rows(tx: Tx, statement: bytes, values: dict[str, object]) -> list[Found]:
    with tx.connection.cursor(row_factory=quick_row(Found)) as cursor:
        return cursor.execute(statement, values).fetchall()


def _number(tx: Tx, statement: bytes, values: dict[str, object]) -> int:
    row = tx.connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0
