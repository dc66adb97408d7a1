"""Transactions: what a request or a job step changes is committed whole, with the events and jobs that follow from it."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.types.json import Jsonb

from canonry.core.events import Event
from canonry.infra.db import Database, Row
from canonry.infra.jobs import Job, Queue


class Tx:
    """One open transaction. `connection` is for stores only; services pass the Tx on."""

    def __init__(self, connection: Connection[Row], queue: Queue) -> None:
        self.connection = connection
        self._queue = queue

    def emit(self, event: Event) -> None:
        """Record a fact, and enqueue a job for each listener, in this transaction."""
        payload = dataclasses.asdict(event)
        self.connection.execute(
            "INSERT INTO events (name, organization_id, payload) VALUES (%s, %s, %s)",
            (event.name, event.organization_id, Jsonb(payload)),
        )
        for job in self._queue.listeners(event.name):
            self.enqueue(job, **payload)

    def enqueue(self, job: Job, **arguments: str) -> None:
        """Enqueue a job in this transaction: it exists only if the transaction commits. Arguments are ids."""
        self._queue.defer(self.connection, job, arguments)


class Transactions:
    """Makes transactions. `with transactions.begin() as tx:` commits at the end, rolls back on an exception."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a transaction. Keep it short: never across a call to the outside."""
        with self._database.connection() as connection:
            yield Tx(connection, self._queue)
