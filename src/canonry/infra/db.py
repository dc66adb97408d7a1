"""The database: a pool of PostgreSQL connections, and one of connections that can only read."""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff
from pydantic_core import from_json

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret

type Row = TupleRow

set_json_loads(from_json)  # of a list of 50 projects the standard library's reader took a tenth of the time

# Left to itself a pool tries again after 1, 2, 4, 8 … seconds: when the server was away for five, we would be for ten more.
AttemptWithBackoff.INITIAL_DELAY, AttemptWithBackoff.DELAY_BACKOFF = 0.5, 1.0

_READERS = 12  # a question holds its connection for a millisecond; our own server has 100 connections, of which 64 workers take 72


class Database:
    """Pools of connections. Open once at start, close at the end; safe to use from many threads."""

    def __init__(self, url: Secret, *, size: int = 8) -> None:
        self.url = url
        self._pool = _make_pool(url, "canonry", size)
        self._readers = _make_pool(url, "canonry-readers", min(size, _READERS), configure=_let_only_read)
        self._shared = threading.local()

    def open(self) -> None:
        """Open the pools and wait for the first connections. Raises: Unavailable `database_unavailable`."""
        try:
            self._pool.open(wait=True, timeout=15)
            self._readers.open(wait=True, timeout=15)
        except PoolTimeout as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        self._readers.close()

    def be_patient(self, seconds: float) -> None:
        """Set how long whoever needs a connection waits for one."""
        self._pool.timeout = self._readers.timeout = seconds

    @contextmanager
    def connection(self) -> Iterator[Connection[Row]]:
        """Give a connection inside a transaction that commits at the end and rolls back on an exception.

        Raises: Unavailable `database_unavailable` when there is no connection to be had or it is lost.
        """
        try:
            # The transaction is begun here, so that every later `transaction()` is a savepoint inside it and commits nothing.
            with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _unavailable(error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection[Row]]:
        """Give a connection that cannot write, without a transaction around what is asked: each query is one round trip instead of three.

        Raises: Unavailable `database_unavailable`.
        """
        try:
            if (kept := getattr(self._shared, "kept", None)) is not None:
                yield self._shared.reader or self._keep_reader(kept)
                return
            with self._readers.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _unavailable(error) from error

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Let every `reading` of this thread use one connection until the end of the block; it is taken when the first one needs it."""
        with ExitStack() as kept:
            self._shared.kept, self._shared.reader = kept, None
            try:
                yield
            finally:
                self._shared.kept = self._shared.reader = None

    def _keep_reader(self, kept: ExitStack) -> Connection[Row]:
        self._shared.reader = reader = kept.enter_context(self._readers.connection())
        return reader


def _make_pool(
    url: Secret, name: str, size: int, configure: Callable[[Connection[Row]], None] | None = None
) -> ConnectionPool[Connection[Row]]:
    return ConnectionPool(
        url.reveal(), min_size=1, max_size=size, timeout=10, open=False, check=_look_whether_alive, configure=configure,
        kwargs={"application_name": "canonry", "autocommit": True}, name=name,
    )  # fmt: skip


def _let_only_read(connection: Connection[Row]) -> None:
    connection.execute("SET default_transaction_read_only = on")


def _look_whether_alive(connection: Connection[Row]) -> None:
    """Ask the server only when something has come that nobody asked for: its farewell. An idle connection that lives says nothing.

    Raises: psycopg.OperationalError when the connection is lost.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)


def connect(url: Secret, **options: Any) -> Connection[Row]:  # noqa: ANN401 -- psycopg's own keyword arguments
    """Open one connection outside the pool. Raises: Unavailable `database_unavailable`."""
    try:
        return psycopg.connect(url.reveal(), **options)
    except psycopg.OperationalError as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> Unavailable:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return Unavailable("database_unavailable", f"The database does not answer: {reason}",
                       hint="`canonry status` shows what runs; for a server of your own, check CANONRY_DATABASE_URL.")  # fmt: skip
