"""All SQL on deployments and releases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.core.environments import PRODUCTION
from canonry.core.paging import Page
from canonry.core.refs import parse_ref
from canonry.features.deployments.models import UNFINISHED, Deployment, Release
from canonry.infra.tx import Tx

_ARCHIVE = 7_226_700  # first key of the advisory lock on an upload
_ARTIFACTS = 7_226_701  # and on the artifacts of a project
_SELECT = sql.SQL("""SELECT id, organization_id, project_id, environment, status, step, trigger, source, ref, commit, commit_message, tree,
    release_id, artifact_id, reused, release_command_done, cancel_requested, url, error, created_by, created_at, started_at, finished_at
    FROM deployments """)
_SELECT_RELEASE = sql.SQL("""SELECT id, project_id, environment, deployment_id, artifact_id, plan, variables, variables_digest, commit,
    tree, renews, created_at FROM releases """)


def insert(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add a queued deployment."""
    tx.connection.execute(
        """INSERT INTO deployments (id, organization_id, project_id, environment, trigger, source, ref, commit, commit_message, created_by)
           VALUES (%(id)s, %(organization_id)s, %(project_id)s, %(environment)s, %(trigger)s, %(source)s, %(ref)s, %(commit)s,
           %(commit_message)s, %(created_by)s)""",
        {**row, "source": Jsonb(row["source"])},
    )


def find(tx: Tx, organization_id: str, deployment_id: str) -> Deployment | None:
    """Return the organization's deployment with that id."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL("WHERE organization_id = %s AND id = %s")
        return cursor.execute(query, (organization_id, deployment_id)).fetchone()


def get(tx: Tx, deployment_id: str) -> Deployment | None:
    """Return a deployment, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s"), (deployment_id,)).fetchone()


def by_ids(tx: Tx, deployment_ids: Sequence[str]) -> list[Deployment]:
    """Return these deployments, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = ANY(%s)"), (list(deployment_ids),)).fetchall()


def page(tx: Tx, project_id: str, environment: str | None, wanted: Page) -> list[Deployment]:
    """Return up to limit + 1 deployments of an environment (None: of all), newest first."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL(
            """WHERE project_id = %s AND (%s::text IS NULL OR environment = %s) AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s))
               ORDER BY created_at DESC, id DESC LIMIT %s"""
        )
        arguments = (project_id, environment, environment, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)
        return cursor.execute(query, arguments).fetchall()


def unfinished(tx: Tx, project_id: str, environment: str) -> list[Deployment]:
    """Return the deployments that wait or run, oldest first, and lock their rows."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL("""WHERE project_id = %s AND environment = %s AND status = ANY(%s)
            ORDER BY created_at, id FOR UPDATE""")
        return cursor.execute(query, (project_id, environment, [str(status) for status in UNFINISHED])).fetchall()


def newest_requests(tx: Tx, project_id: str, environment: str) -> tuple[datetime | None, datetime | None]:
    """Return when the newest deployment that waits was asked for, and the one before it; None where there is none."""
    query = """SELECT created_at, status FROM deployments WHERE project_id = %s AND environment = %s
        ORDER BY created_at DESC, id DESC LIMIT 2"""
    rows = tx.connection.execute(query, (project_id, environment)).fetchall()
    if not rows or rows[0][1] != "queued":
        return None, None
    return rows[0][0], rows[1][0] if len(rows) > 1 else None


def newest_commit(tx: Tx, project_id: str, environment: str) -> str | None:
    """Return the commit that the newest deployment of an environment is, or will be, of."""
    query = """SELECT coalesce(commit, source->>'ref') FROM deployments WHERE project_id = %s AND environment = %s
        ORDER BY created_at DESC, id DESC LIMIT 1"""
    row = tx.connection.execute(query, (project_id, environment)).fetchone()
    return row[0] if row else None


def pushed_commit(tx: Tx, project_id: str, repository_id: str | None) -> str | None:
    """Return the commit of a hosted repository that was last asked for in production; None when there was none, or it is not known yet.

    repository_id: of one that is not the project's own.
    """
    query = """SELECT coalesce(commit, source->>'ref') FROM deployments WHERE project_id = %s AND environment = %s
        AND source->>'kind' = 'hosted' AND source->>'repository' IS NOT DISTINCT FROM %s ORDER BY created_at DESC, id DESC LIMIT 1"""
    row = tx.connection.execute(query, (project_id, PRODUCTION, repository_id)).fetchone()
    return parse_ref(row[0]).commit if row and row[0] else None


def projects_with_unfinished(tx: Tx) -> list[tuple[str, str]]:
    """Return (project id, environment) of everything that waits or runs."""
    query = "SELECT DISTINCT project_id, environment FROM deployments WHERE status IN ('queued', 'building', 'deploying')"
    return [(row[0], row[1]) for row in tx.connection.execute(query).fetchall()]


def unfinished_ids(tx: Tx) -> set[str]:
    """Return the ids of all deployments that wait or run."""
    return {
        row[0] for row in tx.connection.execute("SELECT id FROM deployments WHERE status IN ('queued', 'building', 'deploying')").fetchall()
    }


def stopped_projects(tx: Tx) -> list[str]:
    """Return the ids of the projects that somebody stopped."""
    return [row[0] for row in tx.connection.execute("SELECT id FROM projects WHERE status = 'stopped'").fetchall()]


def is_stopped(tx: Tx, project_id: str) -> bool:
    """Say whether somebody stopped the project."""
    query = "SELECT 1 FROM projects WHERE id = %s AND status = 'stopped'"
    return tx.connection.execute(query, (project_id,)).fetchone() is not None


def live_release(tx: Tx, project_id: str, environment: str) -> Release | None:
    """Return the release that is live in an environment."""
    found = live(tx, project_id, environment)
    return release(tx, found.release_id) if found is not None and found.release_id is not None else None


def live(tx: Tx, project_id: str, environment: str) -> Deployment | None:
    """Return the deployment that is live."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND environment = %s AND status = 'live'")
        return cursor.execute(query, (project_id, environment)).fetchone()


def live_at(tx: Tx, project_id: str, environment: str, moment: datetime) -> Deployment | None:
    """Return the deployment that was live at a moment."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL("""WHERE project_id = %s AND environment = %s AND status IN ('live', 'superseded')
            AND release_id IS NOT NULL AND finished_at <= %s ORDER BY finished_at DESC, id DESC LIMIT 1""")
        return cursor.execute(query, (project_id, environment, moment)).fetchone()


def live_projects(tx: Tx, environment: str, before: datetime) -> set[str]:
    """Return the ids of the projects of which something is live there since before that moment."""
    query = "SELECT project_id FROM deployments WHERE environment = %s AND status = 'live' AND finished_at < %s"
    return {row[0] for row in tx.connection.execute(query, (environment, before)).fetchall()}


def before_live(tx: Tx, project_id: str, environment: str) -> Deployment | None:
    """Return the newest deployment that was live before the present one, and is not the same version (with another delivery)."""
    with tx.connection.cursor(row_factory=class_row(Deployment)) as cursor:
        query = _SELECT + sql.SQL("""d WHERE project_id = %s AND environment = %s AND status = 'superseded'
            AND release_id IS NOT NULL
            AND coalesce((SELECT renews FROM releases r WHERE r.id = d.release_id), release_id) IS DISTINCT FROM
            (SELECT coalesce(r.renews, r.id) FROM deployments l JOIN releases r ON r.id = l.release_id
             WHERE l.project_id = %s AND l.environment = %s AND l.status = 'live')
            ORDER BY finished_at DESC LIMIT 1""")
        return cursor.execute(query, (project_id, environment, project_id, environment)).fetchone()


def last_source(tx: Tx, project_id: str) -> dict[str, Any] | None:
    """Return the source of the newest deployment to production that was pushed or uploaded."""
    query = """SELECT source FROM deployments WHERE project_id = %s AND environment = %s AND source->>'kind' IN ('upload', 'hosted')
        ORDER BY created_at DESC, id DESC LIMIT 1"""
    row = tx.connection.execute(query, (project_id, PRODUCTION)).fetchone()
    return dict(row[0]) if row else None


def close(tx: Tx, project_id: str, environment: str) -> list[str]:
    """End every deployment of an environment that is no more: what waits is cancelled, what runs is asked to stop, what is live is not.

    Returns the artifacts that its releases had; the releases are gone.
    """
    tx.connection.execute(
        """UPDATE deployments SET status = 'cancelled', finished_at = now(),
           error = '{"code": "environment_closed", "message": "The preview was removed before it began.", "hint": ""}'
           WHERE project_id = %s AND environment = %s AND status = 'queued'""",
        (project_id, environment),
    )
    tx.connection.execute(
        """UPDATE deployments SET cancel_requested = true
           WHERE project_id = %s AND environment = %s AND status IN ('building', 'deploying')""",
        (project_id, environment),
    )
    tx.connection.execute(
        "UPDATE deployments SET status = 'superseded' WHERE project_id = %s AND environment = %s AND status = 'live'",
        (project_id, environment),
    )
    query = "DELETE FROM releases WHERE project_id = %s AND environment = %s RETURNING artifact_id"
    return sorted({row[0] for row in tx.connection.execute(query, (project_id, environment)).fetchall()})


def artifacts_of(tx: Tx, project_id: str, environment: str) -> set[str]:
    """Return the artifacts that the releases of an environment have."""
    query = "SELECT DISTINCT artifact_id FROM releases WHERE project_id = %s AND environment = %s"
    return {row[0] for row in tx.connection.execute(query, (project_id, environment)).fetchall()}


def left_behind(tx: Tx, project_id: str) -> dict[str, str]:
    """Return what a project has on the disk: ids of deployments, artifacts and uploads that nobody else uses, each between blanks."""
    row = tx.connection.execute(
        """SELECT coalesce(string_agg(id, ' '), ''), coalesce(string_agg(DISTINCT artifact_id, ' '), ''),
           coalesce(string_agg(DISTINCT source->>'archive', ' ') FILTER (WHERE NOT EXISTS (SELECT 1 FROM deployments other
               WHERE other.project_id <> %s AND other.source->>'archive' = deployments.source->>'archive')), '')
           FROM deployments WHERE project_id = %s""",
        (project_id, project_id),
    ).fetchone()
    deployments, artifacts, archives = row or ("", "", "")
    return {"deployments": deployments, "artifacts": artifacts, "archives": archives}


def hold_archive(tx: Tx, archive: str) -> None:
    """Be the only one who keeps, asks for a deployment of, or removes this upload, until the transaction ends."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_ARCHIVE, archive))


def hold_artifacts(tx: Tx, project_id: str) -> None:
    """Be the only one who removes an artifact of this project, or promises that one stays, until the transaction ends."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_ARTIFACTS, project_id))


def names_archive(tx: Tx, archive: str) -> bool:
    """Say whether a deployment of any project is of this upload."""
    return tx.connection.execute("SELECT 1 FROM deployments WHERE source->>'archive' = %s LIMIT 1", (archive,)).fetchone() is not None


def update(tx: Tx, deployment_id: str, changes: Mapping[str, object]) -> None:
    """Set columns; dictionaries become JSON."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    values = [Jsonb(value) if isinstance(value, dict) else value for value in changes.values()]
    tx.connection.execute(sql.SQL("UPDATE deployments SET {} WHERE id = %s").format(parts), (*values, deployment_id))


def finish(tx: Tx, deployment_ids: Sequence[str], status: str, error: Mapping[str, Any] | None = None) -> None:
    """End deployments in that status, now."""
    tx.connection.execute(
        "UPDATE deployments SET status = %s, error = %s, finished_at = now() WHERE id = ANY(%s)",
        (status, Jsonb(error) if error is not None else None, list(deployment_ids)),
    )


def make_live(tx: Tx, deployment: Deployment, url: str) -> None:
    """Let this deployment be the live one; the former is superseded."""
    tx.connection.execute(
        "UPDATE deployments SET status = 'superseded' WHERE project_id = %s AND environment = %s AND status = 'live' AND id <> %s",
        (deployment.project_id, deployment.environment, deployment.id),
    )
    tx.connection.execute(
        "UPDATE deployments SET status = 'live', step = 'live', url = %s, error = NULL, finished_at = now() WHERE id = %s",
        (url, deployment.id),
    )


def insert_release(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add a release."""
    tx.connection.execute(
        """INSERT INTO releases (id, project_id, environment, deployment_id, artifact_id, plan, sealed_variables, variables_digest,
           commit, tree, renews)
           VALUES (%(id)s, %(project_id)s, %(environment)s, %(deployment_id)s, %(artifact_id)s, %(plan)s, %(sealed_variables)s,
           %(variables_digest)s, %(commit)s, %(tree)s, %(renews)s)""",
        {"renews": None, **row, "plan": Jsonb(row["plan"])},
    )


def release(tx: Tx, release_id: str) -> Release | None:
    """Return a release."""
    with tx.connection.cursor(row_factory=class_row(Release)) as cursor:
        return cursor.execute(_SELECT_RELEASE + sql.SQL("WHERE id = %s"), (release_id,)).fetchone()


def keep_release(tx: Tx, release_id: str, *, keep: bool) -> None:
    """Let the artifact of a release stay, however old it gets, or no longer."""
    tx.connection.execute("UPDATE releases SET kept = %s WHERE id = %s", (keep, release_id))


def live_of_project(tx: Tx, project_id: str) -> list[Release]:
    """Return the live release of each environment of a project, stopped or not."""
    with tx.connection.cursor(row_factory=class_row(Release)) as cursor:
        query = """SELECT r.id, r.project_id, r.environment, d.id AS deployment_id, r.artifact_id, r.plan, r.variables,
            r.variables_digest, r.commit, r.tree, r.renews, r.created_at FROM deployments d JOIN releases r ON r.id = d.release_id
            WHERE d.status = 'live' AND d.project_id = %s"""
        return cursor.execute(query, (project_id,)).fetchall()


def places(tx: Tx, release_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return, for each of these releases, its project and environment."""
    query = "SELECT id, project_id, environment FROM releases WHERE id = ANY(%s)"
    return {row[0]: (row[1], row[2]) for row in tx.connection.execute(query, (list(release_ids),)).fetchall()}


def sealed_variables(tx: Tx, release_ids: Collection[str]) -> dict[str, bytes]:
    """Return the sealed variables of those of these releases that have some."""
    query = "SELECT id, sealed_variables FROM releases WHERE id = ANY(%s) AND sealed_variables IS NOT NULL"
    return {row[0]: row[1] for row in tx.connection.execute(query, (list(release_ids),)).fetchall()}


def live_releases(tx: Tx) -> list[Release]:
    """Return the release of every live deployment of a project that is not stopped."""
    with tx.connection.cursor(row_factory=class_row(Release)) as cursor:
        query = """SELECT r.id, r.project_id, r.environment, r.deployment_id, r.artifact_id, r.plan, r.variables,
            r.variables_digest, r.commit, r.tree, r.renews, r.created_at
            FROM deployments d JOIN releases r ON r.id = d.release_id JOIN projects p ON p.id = d.project_id
            WHERE d.status = 'live' AND p.status <> 'stopped'"""
        return cursor.execute(query).fetchall()
