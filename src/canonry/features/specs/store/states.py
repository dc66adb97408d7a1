"""What the indexer asks: how far the index is, which blob each document was made from, what its runs did."""

from psycopg.rows import class_row

from canonry.features.specs.models import Index, Run
from canonry.infra.tx import Tx


def index_of(tx: Tx, repository_id: str) -> Index | None:
    """Return how far the index of a repository is."""
    with tx.connection.cursor(row_factory=class_row(Index)) as cursor:
        return cursor.execute(
            "SELECT repository_id, commit, rules, config, diagnostics, indexed_at FROM spec_indexes WHERE repository_id = %s",
            (repository_id,),
        ).fetchone()


def indexes(tx: Tx, organization_id: str) -> dict[str, Index]:
    """Return how far the index of each repository of an organization is, by repository."""
    with tx.connection.cursor(row_factory=class_row(Index)) as cursor:
        rows = cursor.execute(
            "SELECT repository_id, commit, rules, config, diagnostics, indexed_at FROM spec_indexes WHERE organization_id = %s",
            (organization_id,),
        ).fetchall()
    return {row.repository_id: row for row in rows}


def fingerprint(tx: Tx, organization_id: str) -> str:
    """Return a text that changes whenever the index of the organization does."""
    row = tx.connection.execute(
        """SELECT coalesce(string_agg(concat_ws(' ', repository_id, commit, indexed_at), ',' ORDER BY repository_id), '')
           FROM spec_indexes WHERE organization_id = %s""",
        (organization_id,),
    ).fetchone()
    return str(row[0]) if row else ""


def blobs_of(tx: Tx, repository_id: str, paths: list[str] | None = None) -> dict[str, tuple[str, bool]]:
    """Return path → (blob id, whether it is indexed as a spec) of these documents of a repository that are indexed, or of all."""
    rows = tx.connection.execute(
        "SELECT path, sha, is_spec FROM spec_documents WHERE repository_id = %s AND (%s::text[] IS NULL OR path = ANY(%s))",
        (repository_id, paths, paths),
    ).fetchall()
    return {path: (sha, is_spec) for path, sha, is_spec in rows}


def count(tx: Tx, repository_id: str) -> int:
    """Return how many documents of a repository are indexed."""
    row = tx.connection.execute("SELECT count(*) FROM spec_documents WHERE repository_id = %s", (repository_id,)).fetchone()
    return int(row[0]) if row else 0


def criteria_of(tx: Tx, repository_id: str, paths: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return path → (id, text) of the criteria that are indexed of these documents, in their order."""
    rows = tx.connection.execute(
        """SELECT d.path, c.criterion_id, c.text FROM spec_documents d JOIN spec_criteria c ON c.document_id = d.id
           WHERE d.repository_id = %s AND d.path = ANY(%s) ORDER BY d.path, c.position""",
        (repository_id, paths),
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for path, criterion_id, text in rows:
        found.setdefault(path, []).append((criterion_id, text))
    return found


def stale(tx: Tx, rules: str) -> list[str]:
    """Return the repositories whose index is not of the commit that was announced last, or was made by other rules."""
    rows = tx.connection.execute(
        """SELECT r.id FROM repositories r LEFT JOIN spec_indexes i ON i.repository_id = r.id
           WHERE (r.head IS DISTINCT FROM i.commit AND (r.head IS NOT NULL OR i.commit IS NOT NULL))
           OR (i.commit IS NOT NULL AND i.rules IS DISTINCT FROM %s)""",
        (rules,),
    ).fetchall()
    return [row[0] for row in rows]


def runs(tx: Tx, organization_id: str, limit: int) -> list[Run]:
    """Return the newest runs over an organization's repositories."""
    with tx.connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(
            """SELECT n.id, coalesce(r.owner, o.handle) || '/' || coalesce(p.slug, r.name) AS repository, n.commit, n.status,
                n.changed, n.removed, n.error, n.started_at, n.ended_at FROM index_runs n JOIN repositories r ON r.id = n.repository_id
                JOIN organizations o ON o.id = r.organization_id LEFT JOIN projects p ON p.id = r.project_id
                WHERE r.organization_id = %s ORDER BY n.id DESC LIMIT %s""",
            (organization_id, limit),
        ).fetchall()  # fmt: skip
