"""All SQL on instances."""

from collections.abc import Mapping, Sequence

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.deployments.models import Instance
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, project_id, environment, release_id, deployment_id, process, index, status, restarts, failures, address,
    reason, memory_mb, cpu, started_at, next_start_at, stop_after
    FROM instances """)


def insert(tx: Tx, instance: Instance) -> None:
    """Add an instance unless the release has this one already."""
    tx.connection.execute(
        """INSERT INTO instances (id, project_id, environment, release_id, deployment_id, process, index, status, memory_mb, cpu)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
        (instance.id, instance.project_id, instance.environment, instance.release_id, instance.deployment_id, instance.process,
         instance.index, instance.status, instance.memory_mb, instance.cpu),
    )  # fmt: skip


def of_release(tx: Tx, release_id: str) -> list[Instance]:
    """Return the instances of a release that are not draining, by process and index."""
    with tx.connection.cursor(row_factory=class_row(Instance)) as cursor:
        query = _SELECT + sql.SQL("WHERE release_id = %s AND status NOT IN ('draining', 'stopped') ORDER BY process, index")
        return cursor.execute(query, (release_id,)).fetchall()


def of_project(tx: Tx, project_id: str, environment: str | None = None) -> list[Instance]:
    """Return the instances of an environment (None: of all) that run or shall run, draining ones included."""
    with tx.connection.cursor(row_factory=class_row(Instance)) as cursor:
        query = _SELECT + sql.SQL("""WHERE project_id = %s AND (%s::text IS NULL OR environment = %s) AND status <> 'stopped'
            ORDER BY environment, process, index, created_at""")
        return cursor.execute(query, (project_id, environment, environment)).fetchall()


def get(tx: Tx, instance_id: str) -> Instance | None:
    """Return one instance."""
    with tx.connection.cursor(row_factory=class_row(Instance)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s"), (instance_id,)).fetchone()


def everything(tx: Tx) -> list[Instance]:
    """Return the instances of all projects that run or shall run."""
    with tx.connection.cursor(row_factory=class_row(Instance)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE status <> 'stopped'")).fetchall()


def update(tx: Tx, seen: Instance, changes: Mapping[str, object]) -> bool:
    """Set columns, and say whether that was done: not when the instance was started anew, or began to end, since it was `seen`.

    Whoever looks at processes takes a while, and must not bring back what somebody stopped or scaled away meanwhile.
    """
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    query = sql.SQL("UPDATE instances SET {} WHERE id = %s AND restarts = %s AND status NOT IN ('draining', 'stopped')").format(parts)
    return tx.connection.execute(query, (*changes.values(), seen.id, seen.restarts)).rowcount == 1


def drain(tx: Tx, project_id: str, environment: str, *, keep_release: str | None, seconds: float) -> None:
    """Let every instance of other releases end when `seconds` have passed; None keeps no release."""
    tx.connection.execute(
        """UPDATE instances SET status = 'draining', stop_after = now() + make_interval(secs => %s)
           WHERE project_id = %s AND environment = %s AND status NOT IN ('draining', 'stopped') AND release_id IS DISTINCT FROM %s""",
        (seconds, project_id, environment, keep_release),
    )


def drain_project(tx: Tx, project_id: str) -> None:
    """Let every instance of a project end at once, in all environments."""
    tx.connection.execute(
        """UPDATE instances SET status = 'draining', stop_after = now()
           WHERE project_id = %s AND status NOT IN ('draining', 'stopped')""",
        (project_id,),
    )


def drain_some(tx: Tx, instance_ids: Sequence[str], seconds: float) -> None:
    """Let these instances end when `seconds` have passed."""
    tx.connection.execute(
        """UPDATE instances SET status = 'draining', stop_after = now() + make_interval(secs => %s)
           WHERE id = ANY(%s) AND status NOT IN ('draining', 'stopped')""",
        (seconds, list(instance_ids)),
    )


def end_leftover(tx: Tx, instance_id: str) -> None:
    """Let an instance end at once that belongs to nothing: neither what started it nor anything with its release is under way or live.

    All in one statement: a rollback may be about to go live with it, or have just done so.
    """
    tx.connection.execute(
        """UPDATE instances i SET status = 'draining', stop_after = now() WHERE i.id = %s AND i.status NOT IN ('draining', 'stopped')
           AND NOT EXISTS (SELECT 1 FROM deployments d JOIN projects p ON p.id = d.project_id
               WHERE d.id = i.deployment_id AND d.status IN ('queued', 'building', 'deploying')
               OR d.release_id = i.release_id AND (d.status IN ('queued', 'building', 'deploying')
                   OR d.status = 'live' AND p.status <> 'stopped'))""",
        (instance_id,),
    )


def drain_deployment(tx: Tx, deployment_id: str) -> None:
    """Let the instances that a deployment started end at once; it did not go live."""
    tx.connection.execute(
        "UPDATE instances SET status = 'draining', stop_after = now() WHERE deployment_id = %s AND status <> 'stopped'", (deployment_id,)
    )


def stopped(tx: Tx, instance_id: str) -> None:
    """Note that an instance has ended for good; its row stays, for its log."""
    tx.connection.execute("UPDATE instances SET status = 'stopped', stopped_at = now(), address = NULL WHERE id = %s", (instance_id,))


def with_logs(tx: Tx, project_id: str, environment: str | None = None) -> list[Instance]:
    """Return every instance of an environment (None: of all) whose log is kept, those that ended included, oldest first."""
    with tx.connection.cursor(row_factory=class_row(Instance)) as cursor:
        query = _SELECT + sql.SQL("WHERE project_id = %s AND (%s::text IS NULL OR environment = %s) ORDER BY created_at, id")
        return cursor.execute(query, (project_id, environment, environment)).fetchall()


def delete(tx: Tx, instance_ids: Sequence[str]) -> None:
    """Delete the rows of instances that are gone together with their logs."""
    tx.connection.execute("DELETE FROM instances WHERE id = ANY(%s)", (list(instance_ids),))


def delete_stopped(tx: Tx, days: int) -> list[str]:
    """Delete the rows of instances that ended so many days ago; return their ids."""
    query = "DELETE FROM instances WHERE status = 'stopped' AND stopped_at < now() - make_interval(days => %s) RETURNING id"
    return [row[0] for row in tx.connection.execute(query, (days,)).fetchall()]


def adopt(tx: Tx, old_release: str, new_release: str, deployment_id: str) -> None:
    """Let the instances of one release belong to another that is the same in all that matters to them."""
    tx.connection.execute(
        "UPDATE instances SET release_id = %s, deployment_id = %s WHERE release_id = %s AND status NOT IN ('draining', 'stopped')",
        (new_release, deployment_id, old_release),
    )
