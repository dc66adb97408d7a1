"""All SQL on links."""

from psycopg.rows import class_row

from canonry.features.git.sharing.models import Link, Member
from canonry.infra.tx import Tx


def find(tx: Tx, project_id: str) -> Link | None:
    """Return the link of a project."""
    with tx.connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(
            """SELECT l.project_id, l.repository_id, o.handle || '/' || coalesce(p.slug, r.name) AS full_name, l.auto_deploy, l.connected_at
               FROM repository_links l JOIN repositories r ON r.id = l.repository_id JOIN organizations o ON o.id = r.organization_id
               LEFT JOIN projects p ON p.id = r.project_id WHERE l.project_id = %s""",
            (project_id,),
        ).fetchone()


def save(tx: Tx, project_id: str, repository_id: str, *, auto_deploy: bool) -> bool:
    """Link a project to a repository of its organization; False when the repository is gone. It stays until the transaction ends."""
    return tx.connection.execute(
        """INSERT INTO repository_links (project_id, repository_id, auto_deploy)
           SELECT p.id, r.id, %s FROM repositories r JOIN projects p ON p.organization_id = r.organization_id
           WHERE r.id = %s AND p.id = %s FOR KEY SHARE OF r
           ON CONFLICT (project_id) DO UPDATE SET repository_id = EXCLUDED.repository_id, auto_deploy = EXCLUDED.auto_deploy,
           connected_at = now()""",
        (auto_deploy, repository_id, project_id),
    ).rowcount == 1  # fmt: skip


def delete(tx: Tx, project_id: str) -> bool:
    """Forget the link of a project; say whether there was one."""
    return tx.connection.execute("DELETE FROM repository_links WHERE project_id = %s", (project_id,)).rowcount == 1


def is_shared(tx: Tx, repository_id: str) -> bool:
    """Say whether a project that does not own the repository is deployed from it."""
    query = "SELECT 1 FROM repository_links WHERE repository_id = %s LIMIT 1"
    return tx.connection.execute(query, (repository_id,)).fetchone() is not None


def members(tx: Tx, repository_id: str) -> list[Member]:
    """Return the projects that a repository deploys, by slug: its own, and those linked to it; not one whose code comes from elsewhere."""
    with tx.connection.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(
            """SELECT p.id AS project_id, p.slug, l.project_id IS NULL AS is_owner, coalesce(l.auto_deploy, true) AS auto_deploy
               FROM projects p LEFT JOIN repository_links l ON l.project_id = p.id
               WHERE p.repo_url IS NULL AND (l.repository_id = %s
                   OR (l.project_id IS NULL AND p.id = (SELECT project_id FROM repositories WHERE id = %s))) ORDER BY p.slug""",
            (repository_id, repository_id),
        ).fetchall()
