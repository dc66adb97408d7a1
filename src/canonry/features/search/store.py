"""All SQL of the search. It reads the index that `specs` keeps; every question names the organization."""

from psycopg import sql

from canonry.features.search.models import Filters, Found, Part
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

_COLUMNS = sql.SQL("""d.id, d.repository_id, d.path, d.doc_type, d.is_spec, d.title, d.status, d.owner, d.team, d.tags, d.review_status,
    count(*) OVER () AS total""")
_FILTERS = sql.SQL("""d.organization_id = %(organization)s AND (%(repositories)s::text[] IS NULL OR d.repository_id = ANY(%(repositories)s))
    AND (%(team)s::text IS NULL OR lower(d.team) = lower(%(team)s))
    AND (%(tag)s::text IS NULL OR EXISTS (SELECT 1 FROM unnest(d.tags) tag WHERE lower(tag) = lower(%(tag)s)))
    AND (%(status)s::text IS NULL OR lower(d.status) = lower(%(status)s)
        OR EXISTS (SELECT 1 FROM spec_sections s WHERE s.document_id = d.id AND s.status = lower(%(status)s)))
    AND (%(review)s::text IS NULL OR d.review_status = lower(%(review)s))""")


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


def alike(tx: Tx, organization_id: str, stem: str) -> list[str]:
    """Return the words of the organization's documents that are most like a stem, at most three."""
    rows = tx.connection.execute(
        "SELECT word FROM spec_words WHERE organization_id = %s AND word %% %s ORDER BY similarity(word, %s) DESC, word LIMIT 3",
        (organization_id, stem, stem),
    ).fetchall()
    return [row[0] for row in rows]


def matching(tx: Tx, organization_id: str, query: tuple[str, str, str, str, str], filters: Filters, limit: int, offset: int) -> list[Found]:
    """Return the documents that have every term, best first. query: as a whole, and in titles, headings, criteria, text only."""
    statement = sql.SQL("""SELECT {}, (3 * (d.search @@ to_tsquery('simple', %(title)s))::int
            + 2 * (d.search @@ to_tsquery('simple', %(heading)s))::int + 1.5 * (d.search @@ to_tsquery('simple', %(criteria)s))::int
            + (d.search @@ to_tsquery('simple', %(text)s))::int)::float8 AS score
        FROM spec_documents d WHERE d.search @@ to_tsquery('simple', %(all)s) AND {}
        ORDER BY score DESC, d.is_spec DESC, d.repository_id, d.path LIMIT %(limit)s OFFSET %(offset)s""").format(_COLUMNS, _FILTERS)
    values = {"all": query[0], "title": query[1], "heading": query[2], "criteria": query[3], "text": query[4]}
    with tx.connection.cursor(row_factory=quick_row(Found)) as cursor:
        return cursor.execute(statement, {**_values(organization_id, filters, limit, offset), **values}).fetchall()


def everything(tx: Tx, organization_id: str, filters: Filters, limit: int, offset: int) -> list[Found]:
    """Return the specs that pass the filters, by repository and path."""
    statement = sql.SQL("""SELECT {}, NULL::float8 AS score FROM spec_documents d WHERE d.is_spec AND {}
        ORDER BY d.repository_id, d.path LIMIT %(limit)s OFFSET %(offset)s""").format(_COLUMNS, _FILTERS)
    with tx.connection.cursor(row_factory=quick_row(Found)) as cursor:
        return cursor.execute(statement, _values(organization_id, filters, limit, offset)).fetchall()


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


def state(tx: Tx, organization_id: str) -> str:
    """Return a text that changes whenever the index of the organization does."""
    row = tx.connection.execute(
        """SELECT coalesce(string_agg(repository_id || indexed_at::text, ',' ORDER BY repository_id), '') FROM spec_indexes
           WHERE organization_id = %s""",
        (organization_id,),
    ).fetchone()
    return str(row[0]) if row else ""


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


def _values(organization_id: str, filters: Filters, limit: int, offset: int) -> dict[str, object]:
    return {
        "organization": organization_id, "repositories": filters.repositories, "team": filters.team, "tag": filters.tag,
        "status": filters.status, "review": filters.review, "limit": limit, "offset": offset,
    }  # fmt: skip
