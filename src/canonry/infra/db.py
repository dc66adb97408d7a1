"""The database: one pool of PostgreSQL connections, and the migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret

type Row = TupleRow


class Database:
    """A pool of connections. Open once at start, close at the end; safe to use from many threads."""

    def __init__(self, url: Secret, *, size: int = 8) -> None:
        self.url = url
        self._pool: ConnectionPool[Connection[Row]] = ConnectionPool(
            url.reveal(), min_size=1, max_size=size, timeout=10, open=False, check=ConnectionPool.check_connection,
            kwargs={"application_name": "canonry"}, name="canonry",
        )  # fmt: skip

    def open(self) -> None:
        """Open the pool and wait for the first connection. Raises: Unavailable `database_unavailable`."""
        try:
            self._pool.open(wait=True, timeout=15)
        except PoolTimeout as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

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
