"""Transactions: what a request or a job step changes is committed whole, with the events and jobs that follow from it.

Events are the audit trail too: each one says who caused it and from where, and carries a hash over itself and the one before it in its
organization. They are written when the transaction ends, because the chain of an organization is held from then to the commit: whoever
holds it waits for nothing else, so no two transactions wait for each other.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from canonry.core.clock import now
from canonry.core.events import Event
from canonry.core.origin import Origin, current_origin
from canonry.infra.db import Database, Row
from canonry.infra.jobs import Job, Queue

_CHAIN = 7_226_681  # first key of the advisory lock on an organization's chain of events


@dataclasses.dataclass(frozen=True)
class _Recorded:
    event: Event
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    origin: Origin
    at: datetime


class Tx:
    """One open transaction. `connection` is for stores only; services pass the Tx on."""

    def __init__(self, connection: Connection[Row], queue: Queue) -> None:
        self.connection = connection
        self._queue = queue
        self._events: list[_Recorded] = []

    def emit(self, event: Event, *, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None) -> None:
        """Record a fact, and enqueue a job for each listener, in this transaction.

        before, after: what changed, for people who ask later; never a secret. A job of a listener gets the event's own fields.
        """
        self._events.append(_Recorded(event, before, after, current_origin.get(), now()))
        for job in self._queue.listeners(event.name):
            self.enqueue(job, **dataclasses.asdict(event))

    def enqueue(self, job: Job, **arguments: str) -> None:
        """Enqueue a job in this transaction: it exists only if the transaction commits. Arguments are ids."""
        self._queue.defer(self.connection, job, arguments)

    def expect_no_events(self) -> None:
        """Return when nothing was emitted. Raises: RuntimeError, which is a bug: who only reads changes nothing that could be told."""
        if self._events:
            message = f"{self._events[0].event.name} was emitted by something that only reads"
            raise RuntimeError(message)

    def write_events(self) -> None:
        """Write the events that were emitted; the last act of a transaction (`Transactions.begin` does it)."""
        events, self._events = self._events, []
        if events and (note := on_effect.get()) is not None:
            note(self)
        for organization_id in sorted({recorded.event.organization_id for recorded in events}):
            self.connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_CHAIN, organization_id))
            row = self.connection.execute(
                "SELECT hash FROM events WHERE organization_id = %s ORDER BY id DESC LIMIT 1", (organization_id,)
            ).fetchone()
            previous = bytes(row[0]) if row else b""
            for recorded in events:
                if recorded.event.organization_id == organization_id:
                    previous = self._write(recorded, previous)

    def _write(self, recorded: _Recorded, previous: bytes) -> bytes:
        event, origin = recorded.event, recorded.origin
        payload = dataclasses.asdict(event)
        digest = event_hash(previous, {
            "name": event.name, "organization_id": event.organization_id, "payload": payload, "before": recorded.before,
            "after": recorded.after, "user_id": origin.user_id, "credential": origin.credential, "address": origin.address,
            "request_id": origin.request_id, "at": recorded.at.isoformat(),
        })  # fmt: skip
        self.connection.execute(
            """INSERT INTO events (name, organization_id, payload, before, after, user_id, credential, address, request_id, at, hash)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (event.name, event.organization_id, Jsonb(payload), _json(recorded.before), _json(recorded.after), origin.user_id,
             origin.credential, origin.address, origin.request_id, recorded.at, digest),
        )  # fmt: skip
        return digest


def event_hash(previous: bytes, fields: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 over the hash of the event before (empty for the first) and the fields, as JSON with sorted keys.

    fields: name, organization_id, payload, before, after, user_id, credential, address, request_id, at (ISO 8601, UTC).
    """
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


on_effect: ContextVar[Callable[[Tx], None] | None] = ContextVar("on_effect", default=None)
"""Called with every transaction that emitted something, before it commits. Set by `http/` for the rest of a request."""


class Transactions:
    """Makes transactions. `with transactions.begin() as tx:` commits at the end, rolls back on an exception."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a transaction. Keep it short: never across a call to the outside."""
        with self._database.connection() as connection:
            tx = Tx(connection, self._queue)
            yield tx
            tx.write_events()

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """Give a Tx for questions only that all see one moment, that of the first: for whoever puts several answers together."""
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            tx = Tx(connection, self._queue)
            yield tx
            tx.expect_no_events()

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """Give a Tx for questions only: each sees what is committed when it is asked, and writing fails."""
        with self._database.reading() as connection:
            tx = Tx(connection, self._queue)
            yield tx
            tx.expect_no_events()

    def sharing(self) -> AbstractContextManager[None]:
        """Let what this thread asks by `reading` in this block use one connection: for a few quick questions in a row."""
        return self._database.sharing()


def _json(document: Mapping[str, Any] | None) -> Jsonb | None:
    return None if document is None else Jsonb(dict(document))
