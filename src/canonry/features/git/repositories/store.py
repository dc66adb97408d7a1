"""All SQL on repositories."""

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.git.repositories.models import Repository
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT r.id, r.organization_id, coalesce(r.owner, o.handle) AS owner, coalesce(p.slug, r.name) AS name, r.project_id,
    coalesce(p.repo_branch, r.default_branch) AS default_branch, r.description, r.head, r.created_at, r.host, r.number, r.problem,
    r.sealed_token IS NULL AND i.suspended_at IS NOT NULL AS is_suspended, r.removed_at IS NOT NULL AS is_removed
    FROM repositories r JOIN organizations o ON o.id = r.organization_id LEFT JOIN projects p ON p.id = r.project_id
    LEFT JOIN installations i ON i.organization_id = r.organization_id AND i.host = r.host AND i.account = r.owner """)
_BY_NAME = sql.SQL("""WHERE r.organization_id = %s AND r.removed_at IS NULL
    AND (r.id = %s OR lower(coalesce(p.slug, r.name)) = lower(%s))
    AND (%s::text IS NULL OR lower(coalesce(r.owner, o.handle)) = lower(%s))
    ORDER BY r.project_id NULLS LAST, r.host <> 'canonry', r.id LIMIT 1""")
_FIND = (_SELECT + _BY_NAME).as_bytes()  # the editor asks it with every key that is pressed, so it is put together once


def insert(tx: Tx, repository_id: str, organization_id: str, *, name: str, description: str = "", branch: str = "main",
           project_id: str | None = None) -> bool:  # fmt: skip
    """Add a repository; say whether it was added: not when the project, or the organization under this name, has one."""
    return tx.connection.execute(
        """INSERT INTO repositories (id, organization_id, project_id, name, description, default_branch) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT DO NOTHING""",
        (repository_id, organization_id, project_id, name, description, branch),
    ).rowcount == 1  # fmt: skip


def find(tx: Tx, organization_id: str, key: str, owner: str | None = None) -> Repository | None:
    """Return an organization's repository by its id or its name; of two of one name that of the project, then one that lies here.

    owner: what stands before the name; None: whatever it is.
    """
    with tx.connection.cursor(row_factory=class_row(Repository)) as cursor:
        return cursor.execute(_FIND, (organization_id, key, key, owner, owner)).fetchone()


def get(tx: Tx, repository_id: str) -> Repository | None:
    """Return a repository for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Repository)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE r.id = %s"), (repository_id,)).fetchone()


def of_project(tx: Tx, project_id: str) -> Repository | None:
    """Return the repository of a project."""
    with tx.connection.cursor(row_factory=class_row(Repository)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE r.project_id = %s"), (project_id,)).fetchone()


def of_organization(tx: Tx, organization_id: str, *, only_project: str | None = None) -> list[Repository]:
    """Return an organization's repositories by name, without those that were taken away. only_project: of this project only."""
    with tx.connection.cursor(row_factory=class_row(Repository)) as cursor:
        return cursor.execute(
            _SELECT + sql.SQL("""WHERE r.organization_id = %s AND r.removed_at IS NULL AND (%s::text IS NULL OR r.project_id = %s)
                ORDER BY lower(coalesce(p.slug, r.name)), r.id"""),
            (organization_id, only_project, only_project),
        ).fetchall()  # fmt: skip


def every(tx: Tx) -> list[Repository]:
    """Return all repositories of all organizations, for Canonry's own rounds."""
    with tx.connection.cursor(row_factory=class_row(Repository)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("ORDER BY r.id")).fetchall()


def projects_without(tx: Tx, project_ids: list[str]) -> list[tuple[str, str, str]]:
    """Return (project id, organization id, slug) of those of these projects that have no row yet."""
    return tx.connection.execute(
        """SELECT p.id, p.organization_id, p.slug FROM projects p LEFT JOIN repositories r ON r.project_id = p.id
           WHERE p.id = ANY(%s) AND r.id IS NULL""",
        (project_ids,),
    ).fetchall()  # fmt: skip


def adopt(tx: Tx, repository_id: str, project_id: str) -> bool:
    """Give a repository without a project to a project; say whether it could be done."""
    query = "UPDATE repositories SET project_id = %s WHERE id = %s AND project_id IS NULL"
    return tx.connection.execute(query, (project_id, repository_id)).rowcount == 1


def hold(tx: Tx, repository_id: str) -> None:
    """Be the only one who decides by where the branches of a repository stand, until the transaction ends."""
    tx.connection.execute("SELECT 1 FROM repositories WHERE id = %s FOR NO KEY UPDATE", (repository_id,))


def set_head(tx: Tx, repository_id: str, before: str | None, head: str | None) -> bool:
    """Remember where the default branch stands; False when somebody else did meanwhile."""
    query = "UPDATE repositories SET head = %s WHERE id = %s AND head IS NOT DISTINCT FROM %s"
    return tx.connection.execute(query, (head, repository_id, before)).rowcount == 1


def move_head(tx: Tx, repository_id: str, head: str | None) -> None:
    """Remember where the default branch stands, wherever it stood."""
    tx.connection.execute("UPDATE repositories SET head = %s WHERE id = %s", (head, repository_id))


def delete(tx: Tx, repository_id: str) -> None:
    """Forget a repository."""
    tx.connection.execute("DELETE FROM repositories WHERE id = %s", (repository_id,))


def users(tx: Tx, repository_id: str) -> list[str]:
    """Return the slugs of the projects that are linked to a repository. Nobody can link another one until the transaction ends."""
    tx.connection.execute("SELECT 1 FROM repositories WHERE id = %s FOR UPDATE", (repository_id,))
    query = "SELECT p.slug FROM repository_links l JOIN projects p ON p.id = l.project_id WHERE l.repository_id = %s ORDER BY p.slug"
    return [row[0] for row in tx.connection.execute(query, (repository_id,)).fetchall()]
