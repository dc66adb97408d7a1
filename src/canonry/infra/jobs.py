"""Jobs: background work that exists only if its transaction committed. procrastinate keeps them in our own database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from canonry.infra.db import Row

ORDINARY, QUICK = "default", "quick"
"""The two queues: builds and the like, and what takes a moment."""
QUICK_THREADS = 4
"""How many jobs of a moment a worker runs at once, beside the ordinary ones."""


@dataclass(frozen=True)
class Job:
    """The name of some background work, and how it queues.

    name: `feature.verb`. lock: arguments with the same text run one at a time; formatted with the arguments
    (`deploy:{project_id}`). coalesce: while one with this lock waits, a further one is not enqueued. is_quick: it takes a moment, and
    somebody may wait for it (a mail, an index): it has threads of its own and stands behind no build.
    """

    name: str
    lock: str | None = None
    coalesce: bool = False
    is_quick: bool = False

    @property
    def lane(self) -> str:
        """The queue it waits in."""
        return QUICK if self.is_quick else ORDINARY


class Queue:
    """Puts jobs into the database on the caller's own connection, and knows who listens to which event."""

    def __init__(self, subscriptions: Mapping[str, Sequence[Job]]) -> None:
        self._subscriptions = subscriptions

    def listeners(self, event_name: str) -> Sequence[Job]:
        """Return the jobs to enqueue when that event happens."""
        return self._subscriptions.get(event_name, ())

    def defer(self, connection: Connection[Row], job: Job, arguments: Mapping[str, Any]) -> None:
        """Insert the job. One that coalesces with a waiting one is dropped: the waiting one will do its work.

        It must not begin before our transaction has committed, else it would not see what it is to work on: so its row is held until then.
        """
        lock = job.lock.format(**arguments) if job.lock else None
        waiting = lock if job.coalesce else None
        while not _insert(connection, job, lock, waiting, arguments):
            held = connection.execute(
                "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo' FOR SHARE", (waiting,)
            ).fetchone()
            if held is not None:
                connection.execute("SELECT pg_notify('procrastinate_any_queue_v1', '{}')")  # whoever passed it over looks again
                return


def counts(connection: Connection[Row]) -> dict[str, int]:
    """Return how many jobs wait (`todo`), run (`doing`) and failed."""
    rows = connection.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status").fetchall()
    return {"todo": 0, "doing": 0, "failed": 0} | {row[0]: row[1] for row in rows if row[0] in {"todo", "doing", "failed"}}


def under_way(connection: Connection[Row], job: Job) -> list[dict[str, Any]]:
    """Return the arguments of every such job that waits or runs; one that was given up is not among them."""
    query = "SELECT args FROM procrastinate_jobs WHERE task_name = %s AND status IN ('todo', 'doing')"
    return [row[0] for row in connection.execute(query, (job.name,)).fetchall()]


def _insert(connection: Connection[Row], job: Job, lock: str | None, waiting: str | None, arguments: Mapping[str, Any]) -> bool:
    """Insert the job and return True; False when one waits already that will do its work."""
    try:
        with connection.transaction():
            connection.execute(
                "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(%s, %s, 0, %s, %s, %s, NULL)::procrastinate_job_to_defer_v1])",
                (job.lane, job.name, lock, waiting, Jsonb(dict(arguments))),
            )
    except psycopg.errors.UniqueViolation:
        if waiting is None:
            raise
        return False
    return True
