"""The worker on a real queue: pickup, locks, outcomes, what a dead worker left, a database that goes away for a moment."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from canonry.core.errors import Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.infra.db import Database
from canonry.infra.jobs import ORDINARY, Job, Queue
from canonry.infra.postgres import Postgres
from canonry.worker import main
from canonry.worker.main import Task, Worker
from canonry.worker.queue import JobQueue
from tests.support.postgres import keep_commits

_NOTE = Job("test.note")


class Log:
    """What the tasks of a test did, in order."""

    def __init__(self) -> None:
        self.items: list[tuple[str, float]] = []
        self.changed = threading.Condition()

    def add(self, text: str) -> None:
        with self.changed:
            self.items.append((text, time.monotonic()))
            self.changed.notify_all()

    def wait(self, count: int, timeout: float = 60) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.items) >= count, timeout), self.items
            return [text for text, _ in self.items]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def start(database: Database) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(concurrency: int = 4, **tasks: Task) -> Worker:
        worker = Worker(database, {f"test.{name}": task for name, task in tasks.items()}, concurrency=concurrency)
        worker.start()
        workers.append(worker)
        return worker

    yield make
    for worker in workers:
        worker.stop(2)


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker look for jobs only when it is told of one."""
    monkeypatch.setattr(main, "_POLL", 1000.0)


def _defer(database: Database, job: Job, **arguments: str) -> None:
    with database.connection() as connection:
        Queue({}).defer(connection, job, arguments)


def _statuses(database: Database) -> list[str]:
    with database.connection() as connection:
        return [row[0] for row in connection.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")]


def _worker(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute("SELECT worker_id FROM procrastinate_register_worker_v1()").fetchone()
    assert row is not None
    return int(row[0])


def _until(condition: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("only_told")
def test_the_worker_is_told_of_a_job_and_leaves_nothing(database: Database, start: Callable[..., Worker], log: Log) -> None:
    start(note=log.add)
    for index in range(10):
        _defer(database, _NOTE, text=str(index))
        log.wait(index + 1)
        _until(lambda: not _statuses(database))


def test_a_job_of_a_transaction_that_rolls_back_never_runs(database: Database, start: Callable[..., Worker], log: Log) -> None:
    start(note=log.add)

    def enqueue_and_fail() -> None:
        with database.connection() as connection:
            Queue({}).defer(connection, _NOTE, {"text": "never"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        enqueue_and_fail()
    _defer(database, _NOTE, text="once")
    assert log.wait(1) == ["once"]


@pytest.mark.usefixtures("only_told")
def test_jobs_with_one_lock_run_one_after_the_other_without_a_pause(database: Database, start: Callable[..., Worker], log: Log) -> None:
    def slow(text: str) -> None:
        log.add(f"+{text}")
        time.sleep(0.05)
        log.add(f"-{text}")

    job = Job("test.slow", lock="one:{text[0]}")
    for text in ("a1", "a2", "a3"):
        _defer(database, job, text=text)
    start(slow=slow)
    assert log.wait(6) == ["+a1", "-a1", "+a2", "-a2", "+a3", "-a3"]


def test_only_so_many_jobs_run_at_once(database: Database, start: Callable[..., Worker], log: Log) -> None:
    gate = threading.Event()
    most = threading.Semaphore(2)

    def hold(text: str) -> None:
        log.add("run" if most.acquire(blocking=False) else "too many")
        gate.wait(60)
        log.add(text)
        most.release()

    for index in range(5):
        _defer(database, Job("test.hold"), text=str(index))
    start(concurrency=2, hold=hold)
    log.wait(2)
    time.sleep(0.2)
    assert len(log.items) == 2
    gate.set()
    assert "too many" not in log.wait(10)


def test_a_job_of_a_moment_stands_behind_no_build(database: Database, start: Callable[..., Worker], log: Log) -> None:
    gate = threading.Event()

    def hold(text: str) -> None:
        log.add(text)
        gate.wait(60)

    for index in range(8):
        _defer(database, Job("test.hold"), text=f"build {index}")
    start(concurrency=2, hold=hold, note=log.add)
    log.wait(2)
    _defer(database, Job("test.note", is_quick=True), text="mail")
    assert log.wait(3)[-1] == "mail"
    for index in range(6):
        _defer(database, Job("test.hold", is_quick=True), text=f"quick {index}")
    log.wait(7)
    time.sleep(0.3)
    assert len(log.items) == 7  # four at once
    gate.set()
    assert len(log.wait(15)) == 15


def test_unavailable_is_tried_again_and_other_errors_fail_at_once(
    database: Database, start: Callable[..., Worker], log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    def flaky(text: str) -> None:
        log.add(text)
        if len([item for item in log.items if item[0] == text]) == 1:
            raise Unavailable("away", "It is away.")

    def wrong() -> None:
        log.add("wrong")
        raise Invalid("bad", "It is bad.")

    def buggy() -> None:
        log.add("buggy")
        raise ZeroDivisionError

    with caplog.at_level(logging.WARNING):
        start(flaky=flaky, wrong=wrong, buggy=buggy)
        _defer(database, Job("test.wrong"))
        _defer(database, Job("test.buggy"))
        _defer(database, Job("test.unknown"))
        _defer(database, Job("test.flaky"), text="flaky")
        names = log.wait(4)
        _until(lambda: _statuses(database) == ["failed"] * 3)
    assert sorted(names) == ["buggy", "flaky", "flaky", "wrong"]
    tracebacks = [record.getMessage() for record in caplog.records if record.exc_info]
    assert len(tracebacks) == 2  # the bug and the job nobody knows; not what the tree explains


def test_a_job_that_stays_unavailable_fails_in_the_end(database: Database, start: Callable[..., Worker], log: Log) -> None:
    def away() -> None:
        log.add("try")
        raise Unavailable("away", "It is away.")

    _defer(database, Job("test.away"))
    with database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET attempts = 4")
    start(away=away)
    _until(lambda: _statuses(database) == ["failed"])
    assert log.wait(1) == ["try"]


def test_what_a_dead_worker_left_is_taken_up_at_once(database: Database, start: Callable[..., Worker], log: Log) -> None:
    _defer(database, Job("test.note", lock="x"), text="left")
    assert JobQueue(database).take(_worker(database), ORDINARY) is not None  # and that worker dies here: nobody holds its lock
    start(note=log.add)
    assert log.wait(1) == ["left"]


def test_the_job_of_a_living_worker_is_left_alone(database: Database, start: Callable[..., Worker], log: Log) -> None:
    gate = threading.Event()

    def hold() -> None:
        log.add("held")
        gate.wait(60)

    _defer(database, Job("test.hold"))
    start(hold=hold)
    log.wait(1)
    start(hold=lambda: log.add("stolen"), note=log.add)
    _defer(database, _NOTE, text="next")
    time.sleep(0.5)
    gate.set()
    _until(lambda: not [status for status in _statuses(database) if status == "doing"])
    assert "stolen" not in [text for text, _ in log.items]


def test_stopping_waits_for_running_jobs_and_leaves_long_ones(database: Database, start: Callable[..., Worker], log: Log) -> None:
    gate = threading.Event()

    def hold(text: str) -> None:
        log.add(text)
        gate.wait(60)

    _defer(database, Job("test.hold"), text="long")
    worker = start(hold=hold)
    log.wait(1)
    assert worker.stop(0.1) == 1
    _defer(database, Job("test.hold"), text="later")
    assert _statuses(database) == ["doing", "todo"]
    gate.set()


def test_a_waiting_job_is_not_taken_before_what_joined_it_has_committed(database: Database) -> None:
    """Else it would look before there is anything to see, and what joined it would wait for the next one."""
    job = Job("test.note", lock="same", coalesce=True)
    queue = JobQueue(database)
    _defer(database, job, text="first")
    with database.connection() as joining:
        Queue({}).defer(joining, job, {"text": "second"})
        assert queue.take(_worker(database), ORDINARY) is None
    taken = queue.take(_worker(database), ORDINARY)
    assert taken is not None
    assert (taken.arguments, _statuses(database)) == ({"text": "first"}, ["doing"])


@pytest.mark.usefixtures("only_told")
def test_the_worker_hears_when_what_held_a_waiting_job_has_committed(database: Database, start: Callable[..., Worker], log: Log) -> None:
    job = Job("test.note", lock="same", coalesce=True)
    _defer(database, job, text="first")
    with database.connection() as joining:
        Queue({}).defer(joining, job, {"text": "second"})
        start(note=log.add)
        time.sleep(0.5)
        assert log.items == []
    assert log.wait(1) == ["first"]


def test_a_retry_gives_way_to_a_waiting_job_that_does_the_same(database: Database) -> None:
    job = Job("test.note", lock="same", coalesce=True)
    queue = JobQueue(database)
    _defer(database, job, text="one")
    taken = queue.take(_worker(database), ORDINARY)
    assert taken is not None
    _defer(database, job, text="two")
    queue.retry(taken.id, 0)
    assert _statuses(database) == ["todo"]


def test_old_failures_are_deleted(database: Database) -> None:
    _defer(database, _NOTE, text="old")
    _defer(database, _NOTE, text="new")
    with database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        connection.execute("UPDATE procrastinate_events SET at = now() - interval '8 days' WHERE job_id = 1")
    JobQueue(database).delete_old()
    assert _statuses(database) == ["failed"]


def test_a_job_that_the_database_forgot_to_be_taken_runs_once(database: Database, start: Callable[..., Worker], log: Log) -> None:
    """So it looks after a crash of a server that answers before it has written, and after a failover."""
    gate = threading.Event()

    def hold() -> None:
        log.add("held")
        gate.wait(60)

    start(hold=hold, note=log.add)
    _defer(database, Job("test.hold"))
    log.wait(1)
    with database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL")
    _defer(database, _NOTE, text="after")
    assert log.wait(2) == ["held", "after"]
    gate.set()
    _until(lambda: not _statuses(database))
    assert log.wait(2) == ["held", "after"]


def test_the_worker_survives_the_death_of_the_database(postgres_server: Postgres, database_url: Secret, log: Log) -> None:
    """Kill -9 of the postmaster while a job runs: the job's end is recorded and new jobs run once it is back."""
    keep_commits(database_url)
    database = Database(database_url)
    database.open()
    gate = threading.Event()

    def hold() -> None:
        log.add("held")
        gate.wait(60)

    worker = Worker(database, {"test.hold": hold, "test.note": log.add}, concurrency=2)
    worker.start()
    try:
        _defer(database, Job("test.hold"))
        log.wait(1)
        process = postgres_server.find()
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        gate.set()
        time.sleep(0.3)
        _until(lambda: _starts(postgres_server))
        _defer(database, _NOTE, text="after")
        assert log.wait(2) == ["held", "after"]
        _until(lambda: not _statuses(database))
    finally:
        worker.stop(2)
        database.close()


def _starts(server: Postgres) -> bool:
    try:
        server.ensure()
    except Unavailable:  # the dead server's children have not all gone yet
        return False
    return True
