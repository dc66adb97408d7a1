"""The worker: takes jobs from procrastinate's tables, runs each in a thread, records how it ended.

procrastinate keeps the queue (its tables and SQL functions); the loop is ours, because its own one waits up to a polling interval when a
lock is released, and ends when the database goes away for a moment (docs/decisions/0005-worker.md).

    how the job ends      what becomes of it
    returns               deleted
    Unavailable, Limited  retried, later and later, at most 5 times; then failed
    another CanonryError  failed
    anything else         a bug: failed, logged with its traceback
    its process dies      taken up again as soon as any worker runs, at most 10 times
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from canonry.core.errors import CanonryError, Limited, Unavailable
from canonry.infra.db import Database
from canonry.infra.jobs import ORDINARY, QUICK, QUICK_THREADS
from canonry.worker.presence import Presence
from canonry.worker.queue import JobQueue, TakenJob

type Task = Callable[..., None]

_log = logging.getLogger(__name__)
_POLL = 5.0  # seconds; the fallback when a notification is missed
_MOST_TRIES = 5
_MOST_RESUMES = 10
_CLEAN_EVERY = 3600.0


@dataclass
class _State:
    """What the threads share."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    wake: threading.Event = field(default_factory=threading.Event)
    idle: threading.Condition = field(default_factory=threading.Condition)
    running: dict[int, str] = field(default_factory=dict)  # job → the queue it came from
    stopping: bool = False


class Worker:
    """Runs jobs until stopped.

    concurrency: of ordinary jobs; those of a moment have threads of their own.
    tasks: job name → function; it is called in a thread with the job's arguments by name and may run twice for one job.
    """

    def __init__(self, database: Database, tasks: Mapping[str, Task], *, concurrency: int) -> None:
        self._queue = JobQueue(database)
        self._tasks = tasks
        self._concurrency = concurrency
        self._state = _State()
        self._presence = Presence(database.url, self._state.wake.set, self._arrived)
        self._dispatcher = threading.Thread(target=self._dispatch, name="worker", daemon=True)
        self._next_cleaning = 0.0
        self._suspects: set[int] = set()

    def start(self) -> None:
        """Begin to take jobs; those that a dead worker left are taken up at once."""
        self._presence.start()
        self._dispatcher.start()

    def stop(self, grace: float) -> int:
        """Take no more jobs, give the running ones `grace` seconds, and return how many still run (the next start takes them up)."""
        self._state.stopping = True
        self._state.wake.set()
        self._dispatcher.join()
        with self._state.idle:
            self._state.idle.wait_for(lambda: not self._state.running, timeout=grace)
            left = len(self._state.running)
        self._presence.stop()
        return left

    def _arrived(self, worker_id: int) -> None:
        """We are known to the database (again) under this id: what we run is ours, what nobody runs is taken up."""
        with self._state.lock:
            self._queue.adopt(worker_id, self._state.running)
        self._state.wake.set()

    def _dispatch(self) -> None:
        first = True
        while not self._state.stopping:
            self._state.wake.clear()
            pause = _POLL
            try:
                if worker_id := self._presence.worker_id:
                    self._resume_abandoned(worker_id, at_once=first)
                    first = False
                    self._take_all(worker_id)
                    pause = min(_POLL, self._queue.seconds_to_next(_POLL))
                    self._clean()
            except Unavailable as error:
                _log.warning("%s", error.message)
                pause = 0.5
            except Exception:  # noqa: BLE001 -- an edge
                _log.exception("the worker's loop failed; it goes on")
                pause = 1.0
            self._state.wake.wait(pause)

    def _take_all(self, worker_id: int) -> None:
        for lane, most in ((QUICK, QUICK_THREADS), (ORDINARY, self._concurrency)):
            while not self._state.stopping:
                with self._state.lock:
                    busy = sum(of == lane for of in self._state.running.values())
                    if busy >= most or (job := self._queue.take(worker_id, lane)) is None:
                        break
                    known = job.id in self._state.running  # a server that lost its last commits has it waiting still; now it is ours again
                    self._state.running[job.id] = lane
                if known:
                    continue
                threading.Thread(target=self._run, args=(job,), name=f"job-{job.name}", daemon=True).start()

    def _resume_abandoned(self, worker_id: int, *, at_once: bool) -> None:
        """Give back jobs whose worker is gone. Later than at the start, only those seen twice: a live worker may just be reconnecting."""
        with self._state.lock:
            found = {job.id: job for job in self._queue.abandoned(worker_id, self._state.running)}
        for job in found.values():
            if not at_once and job.id not in self._suspects:
                continue
            if job.attempts >= _MOST_RESUMES:
                _log.error("job %s %s was abandoned %d times: it is given up", job.id, job.name, job.attempts)
                self._queue.fail(job.id)
            else:
                _log.info("job %s %s was left by a worker that is gone: it is taken up again", job.id, job.name)
                self._queue.retry(job.id, 0)
        self._suspects = set(found)

    def _run(self, job: TakenJob) -> None:
        record = self._attempt(job)
        while True:
            try:
                record()
                break
            except Unavailable:  # the database is away; the outcome must not be lost
                if self._state.stopping:
                    break
                time.sleep(0.2)
            except Exception:  # noqa: BLE001 -- an edge
                _log.exception("the outcome of job %s %s could not be recorded", job.id, job.name)
                break
        with self._state.lock, self._state.idle:
            self._state.running.pop(job.id, None)
            self._state.idle.notify_all()
        self._state.wake.set()

    def _attempt(self, job: TakenJob) -> Callable[[], None]:
        """Run it and return what records the outcome."""
        task = self._tasks.get(job.name)
        try:
            if task is None:
                raise LookupError(f"no function is known for the job {job.name}")
            task(**job.arguments)
        except (Unavailable, Limited) as error:
            if job.attempts + 1 >= _MOST_TRIES:
                _log.error("job %s %s failed for good: %s", job.id, job.name, error)
                return lambda: self._queue.fail(job.id)
            pause = _pause(error, job.attempts)
            _log.warning("job %s %s: %s; again in %d s", job.id, job.name, error.message, pause)
            return lambda: self._queue.retry(job.id, pause)
        except CanonryError as error:
            _log.warning("job %s %s failed: %s (%s)", job.id, job.name, error.message, error.code)
            return lambda: self._queue.fail(job.id)
        except Exception:  # noqa: BLE001 -- an edge
            _log.exception("job %s %s failed by a bug", job.id, job.name)
            return lambda: self._queue.fail(job.id)
        return lambda: self._queue.finish(job.id)

    def _clean(self) -> None:
        if time.monotonic() >= self._next_cleaning:
            self._next_cleaning = time.monotonic() + _CLEAN_EVERY
            self._queue.delete_old()


def _pause(error: CanonryError, attempts: int) -> int:
    wanted = error.retry_after if isinstance(error, Limited) else None
    return wanted if wanted is not None else min(60, 2**attempts)
