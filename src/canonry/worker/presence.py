"""That a worker lives: one connection that holds an advisory lock on the worker's id and hears of new jobs. It dies with the process."""

import logging
import os
import select
import threading
from collections.abc import Callable

import psycopg

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra.db import Row, connect
from canonry.worker.queue import PRESENCE

_log = logging.getLogger(__name__)


class Presence:
    """Keeps the connection, and makes it again (under a new id) when it breaks.

    on_job: called when a job was enqueued. on_arrival: called with the id each time we are known to the database anew.
    """

    def __init__(self, url: Secret, on_job: Callable[[], None], on_arrival: Callable[[int], None]) -> None:
        self._url = url
        self._on_job = on_job
        self._on_arrival = on_arrival
        self._stopping = threading.Event()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._keep, name="worker-presence", daemon=True)
        self.worker_id: int | None = None

    def start(self) -> None:
        """Connect, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the list of workers. Stopping twice is no error."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        os.eventfd_write(self._wake, 1)
        self._thread.join(timeout=3)
        if not self._thread.is_alive():  # else it waits for a database that is away, and still needs the descriptor
            os.close(self._wake)

    def _keep(self) -> None:
        pause = 0.1
        while not self._stopping.is_set():
            try:
                with connect(self._url, autocommit=True, application_name="canonry worker") as connection:
                    self._listen(connection)
            except (Unavailable, psycopg.Error) as error:
                _log.warning("the worker lost its connection: %s", str(error).strip().split("\n", 1)[0])
                pause = min(1.0, pause * 1.5)
            finally:
                self.worker_id = None
            self._stopping.wait(pause)

    def _listen(self, connection: psycopg.Connection[Row]) -> None:
        self.worker_id = _register(connection)
        connection.execute("LISTEN procrastinate_any_queue_v1")
        self._on_arrival(self.worker_id)
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while not self._stopping.is_set():
            poll.poll()
            for _ in connection.notifies(timeout=0):
                self._on_job()
        connection.execute("DELETE FROM procrastinate_workers WHERE id = %s", [self.worker_id])


def _register(connection: psycopg.Connection[Row]) -> int:
    """Enter ourselves and forget workers that are gone. The lock is held before anybody can see the entry."""
    with connection.transaction():
        connection.execute(
            "DELETE FROM procrastinate_workers worker WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = worker.id AND objsubid = 2)", [PRESENCE],
        )  # fmt: skip
        row = connection.execute("SELECT worker_id FROM procrastinate_register_worker_v1()").fetchone()
        if row is None:
            raise Unavailable("worker_not_registered", "The database gave the worker no id.")
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [PRESENCE, row[0]])
    return int(row[0])
