"""All SQL on pins and on the state of the disk, and the questions whose what is."""

from psycopg.rows import class_row

from canonry.features.disk.models import KeptArtifact, Mark, Owners
from canonry.infra.tx import Tx


def owners(tx: Tx, project_id: str | None = None) -> Owners:
    """Return whose what is, of one project or of all."""

    def pairs(query: str) -> dict[str, str]:
        return dict(tx.connection.execute(query.encode(), (project_id, project_id)).fetchall())

    return Owners(
        projects=pairs("SELECT id, slug FROM projects WHERE %s::text IS NULL OR id = %s"),
        artifacts=pairs("SELECT artifact_id, max(project_id) FROM releases WHERE %s::text IS NULL OR project_id = %s GROUP BY 1"),
        deployments=pairs("SELECT id, project_id FROM deployments WHERE %s::text IS NULL OR project_id = %s"),
        databases=pairs("SELECT cluster_id, project_id FROM databases WHERE %s::text IS NULL OR project_id = %s"),
        volumes=pairs("SELECT id, project_id FROM volumes WHERE %s::text IS NULL OR project_id = %s"),
        instances=pairs("SELECT id, project_id FROM instances WHERE %s::text IS NULL OR project_id = %s"),
    )  # fmt: skip


def artifacts(tx: Tx, project_id: str, environment: str) -> list[KeptArtifact]:
    """Return the artifacts of an environment, the newest first, and which of them something needs."""
    with tx.connection.cursor(row_factory=class_row(KeptArtifact)) as cursor:
        return cursor.execute(
            """SELECT artifact_id AS id, bool_or(id IN (
                   SELECT release_id FROM deployments WHERE project_id = %(project)s AND release_id IS NOT NULL
                       AND (status IN ('queued', 'building', 'deploying', 'live') OR id IN (SELECT deployment_id FROM pins))
                   UNION SELECT source->>'release_id' FROM deployments WHERE project_id = %(project)s
                       AND status IN ('queued', 'building', 'deploying') AND source->>'release_id' IS NOT NULL
                   UNION SELECT release_id FROM instances WHERE project_id = %(project)s AND status <> 'stopped') OR kept) AS needed
               FROM releases WHERE project_id = %(project)s AND environment = %(environment)s
               GROUP BY artifact_id ORDER BY max(created_at) DESC, artifact_id""",
            {"project": project_id, "environment": environment},
        ).fetchall()  # fmt: skip


def old_archives(tx: Tx, project_id: str, kept: int) -> list[str]:
    """Return uploads behind the newest `kept` of the project that nothing waits for and no other project uses."""
    rows = tx.connection.execute(
        """SELECT archive FROM (
               SELECT source->>'archive' AS archive, max(created_at) AS used,
                   bool_or(status IN ('queued', 'building', 'deploying') OR id IN (SELECT deployment_id FROM pins)) AS needed
               FROM deployments WHERE project_id = %s AND source->>'kind' = 'upload' GROUP BY 1 ORDER BY used DESC OFFSET %s) old
           WHERE NOT needed
           AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.project_id <> %s AND d.source->>'archive' = old.archive)""",
        (project_id, kept, project_id),
    ).fetchall()
    return [row[0] for row in rows]


def ended_deployments(tx: Tx, project_id: str) -> list[str]:
    """Return the deployments whose build log may go, oldest first: not those that wait, run, are live or pinned."""
    query = """SELECT id FROM deployments WHERE project_id = %s AND status IN ('superseded', 'failed', 'cancelled')
        AND id NOT IN (SELECT deployment_id FROM pins) ORDER BY created_at, id"""
    return [row[0] for row in tx.connection.execute(query, (project_id,)).fetchall()]


def ended_instances(tx: Tx, project_id: str) -> list[str]:
    """Return the instances that ended, oldest first."""
    query = "SELECT id FROM instances WHERE project_id = %s AND status = 'stopped' ORDER BY created_at, id"
    return [row[0] for row in tx.connection.execute(query, (project_id,)).fetchall()]


def environments(tx: Tx) -> list[tuple[str, str]]:
    """Return (project id, environment) of everything that has releases."""
    rows = tx.connection.execute("SELECT DISTINCT project_id, environment FROM releases ORDER BY 1, 2").fetchall()
    return [(row[0], row[1]) for row in rows]


def pin(tx: Tx, deployment_id: str, user_id: str) -> bool:
    """Pin a deployment; say whether it was not pinned before."""
    query = "INSERT INTO pins (deployment_id, pinned_by) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    return tx.connection.execute(query, (deployment_id, user_id)).rowcount == 1


def unpin(tx: Tx, deployment_id: str) -> bool:
    """Unpin a deployment; say whether it was pinned."""
    return tx.connection.execute("DELETE FROM pins WHERE deployment_id = %s", (deployment_id,)).rowcount == 1


def pinned(tx: Tx, project_id: str) -> list[str]:
    """Return the pinned deployments of a project, the oldest first."""
    query = "SELECT p.deployment_id FROM pins p JOIN deployments d ON d.id = p.deployment_id WHERE d.project_id = %s ORDER BY d.created_at"
    return [row[0] for row in tx.connection.execute(query, (project_id,)).fetchall()]


def change_mark(tx: Tx, mark: Mark) -> Mark | None:
    """Note which mark the disk has passed; return the former one when that is news, else None."""
    row = tx.connection.execute("SELECT mark FROM disk_state FOR UPDATE").fetchone()
    before = Mark(row[0]) if row else Mark.FINE
    if before is mark:
        return None
    tx.connection.execute(
        "INSERT INTO disk_state (mark) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET mark = EXCLUDED.mark, since = now()", (str(mark),)
    )
    return before
