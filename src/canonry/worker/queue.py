"""procrastinate's tables as the worker uses them: a short transaction per call, which raises Unavailable when the database is away."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from canonry.infra.db import Database

PRESENCE = 7_226_679  # first key of the advisory lock that a living worker holds; the second is its id
_KEEP_FAILED = "7 days"


@dataclass(frozen=True)
class TakenJob:
    """A job that is ours to run. attempts: how often it was tried before."""

    id: int
    name: str
    arguments: dict[str, Any]
    attempts: int


class JobQueue:
    """Takes, finishes and gives back jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, worker_id: int, lane: str) -> TakenJob | None:
        """Mark the first job of a queue that may run now as ours and return it, None when there is none."""
        try:
            with self._database.connection() as connection:
                row = connection.execute(
                    "SELECT id, task_name, args, attempts FROM procrastinate_fetch_job_v2(%s::varchar[], %s)", [[lane], worker_id]
                ).fetchone()
        except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
            return None  # another worker took a job with the same lock in this very moment; or we are just registering anew
        return TakenJob(*row) if row and row[0] is not None else None

    def finish(self, job_id: int) -> None:
        """Delete a job that is done."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job_id])

    def fail(self, job_id: int) -> None:
        """Keep a job as failed, for a week."""
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE procrastinate_jobs SET status = 'failed', abort_requested = false, attempts = attempts + 1"
                " WHERE id = %s AND status = 'doing'", [job_id],
            )  # fmt: skip

    def retry(self, job_id: int, seconds: int) -> None:
        """Give a job back, to run again after so many seconds. When one that stands for it waits already, it is dropped instead."""
        try:
            with self._database.connection() as connection:
                connection.execute(
                    "UPDATE procrastinate_jobs SET status = 'todo', abort_requested = false, attempts = attempts + 1,"
                    " scheduled_at = CASE WHEN %(s)s > 0 THEN now() + make_interval(secs => %(s)s) END"
                    " WHERE id = %(id)s AND status = 'doing'", {"id": job_id, "s": seconds},
                )  # fmt: skip
        except psycopg.errors.UniqueViolation:
            self.finish(job_id)

    def abandoned(self, worker_id: int, running: Iterable[int]) -> list[TakenJob]:
        """Return the jobs that are marked as running and that nobody runs. running: what we run ourselves."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT id, task_name, args, attempts FROM procrastinate_jobs WHERE status = 'doing' AND id <> ALL(%s)"
                " AND (worker_id IS NULL OR worker_id = %s OR NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
                "  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                "  AND classid = %s AND objid = worker_id AND objsubid = 2)) ORDER BY id", [list(running), worker_id, PRESENCE],
            ).fetchall()  # fmt: skip
        return [TakenJob(*row) for row in rows]

    def adopt(self, worker_id: int, running: Iterable[int]) -> None:
        """Write our (new) id on the jobs that we run."""
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE procrastinate_jobs SET worker_id = %s WHERE id = ANY(%s) AND status = 'doing'", [worker_id, list(running)]
            )

    def seconds_to_next(self, most: float) -> float:
        """Return how long until the next job that waits for its time, at most `most`."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT extract(epoch FROM min(scheduled_at) - now())::float FROM procrastinate_jobs"
                " WHERE status = 'todo' AND scheduled_at > now()"
            ).fetchone()
        return max(0.01, min(most, row[0])) if row and row[0] is not None else most

    def delete_old(self) -> None:
        """Delete what failed or was cancelled long ago."""
        with self._database.connection() as connection:
            connection.execute(
                "DELETE FROM procrastinate_jobs job WHERE status IN ('succeeded', 'failed', 'cancelled', 'aborted') AND NOT EXISTS"
                " (SELECT FROM procrastinate_events WHERE job_id = job.id AND at > now() - %s::interval)", [_KEEP_FAILED],
            )  # fmt: skip
