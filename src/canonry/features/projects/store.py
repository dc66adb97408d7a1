"""All SQL on projects and scales."""

from collections.abc import Mapping

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.core.paging import Page
from canonry.features.projects.models import Project, Scale
from canonry.infra.rows import quick_row
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""
    SELECT p.id, p.organization_id, o.handle, p.slug, p.name, p.status, p.repo_url, p.repo_branch, p.runtime, p.root_dir,
           p.node_version, p.python_version, p.install_command, p.build_command, p.start_command, p.output_dir, p.health_path,
           p.health_timeout, p.pins, coalesce(s.instances, 1) AS instances, s.memory_mb, p.created_at, p.updated_at
    FROM projects p JOIN organizations o ON o.id = p.organization_id
    LEFT JOIN scales s ON s.project_id = p.id AND s.environment = 'production' AND s.process = 'web' """)
# Put together once: doing it at each call took a tenth of the time of an answer.
_FIND = (_SELECT + sql.SQL("WHERE p.organization_id = %s AND (p.id = %s OR p.slug = %s)")).as_bytes()
_PAGE = (
    _SELECT
    + sql.SQL("""WHERE p.organization_id = %s AND (%s::text IS NULL OR p.id = %s)
                 AND (%s::timestamptz IS NULL OR (p.created_at, p.id) < (%s, %s))
                 ORDER BY p.created_at DESC, p.id DESC LIMIT %s""")
).as_bytes()


def insert(tx: Tx, *, project_id: str, organization_id: str, slug: str, name: str, settings: Mapping[str, str | None]) -> None:
    """Add a project. settings: repo_url, repo_branch, runtime. Raises psycopg's UniqueViolation for a taken slug or name."""
    tx.connection.execute(
        """INSERT INTO projects (id, organization_id, slug, name, repo_url, repo_branch, runtime)
           VALUES (%(id)s, %(organization_id)s, %(slug)s, %(name)s, %(repo_url)s, %(repo_branch)s, %(runtime)s)""",
        {**settings, "id": project_id, "organization_id": organization_id, "slug": slug, "name": name},
    )


def find(tx: Tx, organization_id: str, key: str) -> Project | None:
    """Return the organization's project with that id or slug."""
    with tx.connection.cursor(row_factory=quick_row(Project)) as cursor:
        return cursor.execute(_FIND, (organization_id, key, key)).fetchone()


def find_by_name(tx: Tx, organization_id: str, name: str) -> Project | None:
    """Return the organization's project of that name, else the one with that slug, in any letter case."""
    with tx.connection.cursor(row_factory=class_row(Project)) as cursor:
        query = _SELECT + sql.SQL("""WHERE p.organization_id = %s AND (lower(p.name) = lower(%s) OR p.slug = lower(%s))
                             ORDER BY lower(p.name) = lower(%s) DESC LIMIT 1""")
        return cursor.execute(query, (organization_id, name, name, name)).fetchone()


def find_any(tx: Tx, project_id: str) -> Project | None:
    """Return a project whoever owns it, for jobs that act for Canonry itself."""
    with tx.connection.cursor(row_factory=quick_row(Project)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE p.id = %s"), (project_id,)).fetchone()


def slug_exists(tx: Tx, slug: str) -> bool:
    """Say whether anybody has that slug, or a preview that label: both are names under the base domain."""
    return tx.connection.execute("SELECT 1 FROM labels WHERE label = %s", (slug,)).fetchone() is not None


def label_of(tx: Tx, project_id: str, environment: str) -> str | None:
    """Return the label of an environment."""
    query = "SELECT label FROM labels WHERE project_id = %s AND environment = %s"
    row = tx.connection.execute(query, (project_id, environment)).fetchone()
    return row[0] if row else None


def hold_label(tx: Tx, project_id: str, environment: str) -> str | None:
    """Return the label of an environment, which nobody takes away until the transaction ends."""
    query = "SELECT label FROM labels WHERE project_id = %s AND environment = %s FOR KEY SHARE"
    row = tx.connection.execute(query, (project_id, environment)).fetchone()
    return row[0] if row else None


def hold(tx: Tx, project_id: str) -> None:
    """Let nothing be added to a project until the transaction ends: no label, no deployment."""
    tx.connection.execute("SELECT 1 FROM projects WHERE id = %s FOR UPDATE", (project_id,))


def insert_label(tx: Tx, label: str, project_id: str, environment: str) -> bool:
    """Give a label to an environment that has none; False when it is somebody's."""
    query = "INSERT INTO labels (label, project_id, environment) VALUES (%s, %s, %s) ON CONFLICT (label) DO NOTHING"
    return tx.connection.execute(query, (label, project_id, environment)).rowcount == 1


def delete_label(tx: Tx, project_id: str, environment: str) -> None:
    """Take away the label of an environment."""
    tx.connection.execute("DELETE FROM labels WHERE project_id = %s AND environment = %s", (project_id, environment))


def name_exists(tx: Tx, organization_id: str, name: str) -> bool:
    """Say whether the organization has a project of that name, in any letter case."""
    query = "SELECT 1 FROM projects WHERE organization_id = %s AND lower(name) = lower(%s)"
    return tx.connection.execute(query, (organization_id, name)).fetchone() is not None


def page(tx: Tx, organization_id: str, wanted: Page, *, only: str | None = None) -> list[Project]:
    """Return up to limit + 1 projects, newest first. only: the id of the one project to look at, None for all."""
    with tx.connection.cursor(row_factory=quick_row(Project)) as cursor:
        arguments = (organization_id, only, only, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)
        return cursor.execute(_PAGE, arguments).fetchall()


def outside_roots(tx: Tx, organization_id: str, project_id: str) -> list[tuple[str, str | None]]:
    """Return (repository address, root folder) of the organization's other projects that come from outside repositories."""
    return tx.connection.execute(
        "SELECT repo_url, root_dir FROM projects WHERE organization_id = %s AND id <> %s AND repo_url IS NOT NULL ORDER BY id",
        (organization_id, project_id),
    ).fetchall()


def count(tx: Tx, organization_id: str) -> int:
    """Return how many projects the organization has."""
    row = tx.connection.execute("SELECT count(*) FROM projects WHERE organization_id = %s", (organization_id,)).fetchone()
    return int(row[0]) if row else 0


def update(tx: Tx, project_id: str, changes: Mapping[str, object]) -> None:
    """Set columns (names come from the schema, never from a caller's text)."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    query = sql.SQL("UPDATE projects SET {}, updated_at = now() WHERE id = %s").format(parts)
    tx.connection.execute(query, (*changes.values(), project_id))


def note_crash(tx: Tx, project_id: str, *, crashed: bool) -> None:
    """Turn running into crashed or back; a stopped project stays stopped."""
    before, after = ("running", "crashed") if crashed else ("crashed", "running")
    tx.connection.execute("UPDATE projects SET status = %s WHERE id = %s AND status = %s", (after, project_id, before))


def merge_pins(tx: Tx, project_id: str, pins: Mapping[str, str]) -> None:
    """Remember toolchain versions; one that is pinned already stays."""
    tx.connection.execute("UPDATE projects SET pins = %s || pins WHERE id = %s", (Jsonb(dict(pins)), project_id))


def delete(tx: Tx, project_id: str) -> None:
    """Delete a project and all rows that hang on it."""
    tx.connection.execute("DELETE FROM projects WHERE id = %s", (project_id,))


def scales(tx: Tx, project_id: str, environment: str) -> list[Scale]:
    """Return the scale of each process that has one."""
    with tx.connection.cursor(row_factory=class_row(Scale)) as cursor:
        query = "SELECT process, instances, memory_mb, cpu FROM scales WHERE project_id = %s AND environment = %s ORDER BY process"
        return cursor.execute(query, (project_id, environment)).fetchall()


def set_scale(tx: Tx, project_id: str, environment: str, scale: Scale) -> None:
    """Store the scale of one process."""
    tx.connection.execute(
        """INSERT INTO scales (project_id, environment, process, instances, memory_mb, cpu) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (project_id, environment, process) DO UPDATE SET instances = EXCLUDED.instances,
           memory_mb = EXCLUDED.memory_mb, cpu = EXCLUDED.cpu""",
        (project_id, environment, scale.process, scale.instances, scale.memory_mb, scale.cpu),
    )
