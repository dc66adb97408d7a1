"""Questions that come with every request, asked past the driver's cursor: its work on them costs several times that of the server."""

from collections.abc import Sequence
from typing import LiteralString
from weakref import WeakSet

import psycopg
from psycopg import Connection
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from canonry.infra.db import Row

type Values = tuple[bytes | None, ...]
"""A row as the server writes it: texts in UTF-8, `t` and `f`."""


class Prepared:
    """One query that each connection prepares once. name: unique among all. query: its arguments are `$1` and so on, all of them bytea."""

    def __init__(self, name: str, query: LiteralString) -> None:
        self._name = name.encode()
        self._query = query.encode()
        self._prepared_by: WeakSet[Connection[Row]] = WeakSet()

    def first(self, connection: Connection[Row], *arguments: bytes) -> Values | None:
        """Return the first row of the answer, None when there is none. Raises: psycopg.Error."""
        server, formats = connection.pgconn, [Format.BINARY] * len(arguments)
        if server.transaction_status == TransactionStatus.IDLE:
            result = self._ask(connection, arguments, formats)
        else:  # an error would end the transaction, so nothing is tried that may have to be done again
            result = server.exec_params(self._query, arguments, param_formats=formats)
            _require(connection, result, ExecStatus.TUPLES_OK)
        if result.ntuples == 0:
            return None
        return tuple(result.get_value(0, column) for column in range(result.nfields))

    def _ask(self, connection: Connection[Row], arguments: Sequence[bytes], formats: Sequence[int]) -> PGresult:
        try:
            return self._ask_prepared(connection, arguments, formats)
        except psycopg.errors.InvalidSqlStatementName:  # the driver forgets all that is prepared (DEALLOCATE ALL) after a rollback
            self._prepared_by.discard(connection)
            return self._ask_prepared(connection, arguments, formats)

    def _ask_prepared(self, connection: Connection[Row], arguments: Sequence[bytes], formats: Sequence[int]) -> PGresult:
        server = connection.pgconn
        if connection not in self._prepared_by:
            _require(connection, server.prepare(self._name, self._query), ExecStatus.COMMAND_OK)
            self._prepared_by.add(connection)
        result = server.exec_prepared(self._name, arguments, formats)
        _require(connection, result, ExecStatus.TUPLES_OK)
        return result


def _require(connection: Connection[Row], result: PGresult, status: ExecStatus) -> None:
    if result.status == status:
        return
    if connection.pgconn.status != ConnStatus.OK:  # lost on the way: then no server has told what is wrong
        raise psycopg.OperationalError(result.get_error_message() or "the connection is lost")
    raise psycopg.errors.error_from_result(result)
