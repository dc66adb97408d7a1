"""Running SQL that somebody else wrote: bounded in time whatever it sets, and in memory whatever it selects."""

import select
import time

import psycopg
from psycopg import Connection, pq, sql
from psycopg.conninfo import make_conninfo

from canonry.core.errors import Invalid
from canonry.core.secret import Secret
from canonry.features.databases.inside import Login

_COPY = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})
_GOOD = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.SINGLE_TUPLE})


def run_script(url: Secret, login: Login, database: str, script: str, seconds: float) -> None:
    """Run a script as that login, in one transaction; the rows it selects are thrown away as they come.

    Raises: Invalid `script_failed`, quoting the server's words, or that it took longer than so many seconds.
    """
    password = login.password.reveal() if login.password is not None else ""
    try:
        conninfo = make_conninfo(url.reveal(), user=login.name, password=password, dbname=database)
        with psycopg.connect(conninfo, connect_timeout=10, application_name="canonry-mask") as connection:
            connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(f"{seconds:g}s")))
            _run(connection, script, time.monotonic() + seconds)
    except psycopg.Error as error:
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise Invalid("script_failed", f"The script fails: {said}", hint="Mend it, then deploy again.") from error


def _run(connection: Connection[tuple[object, ...]], script: str, deadline: float) -> None:
    """Send the script and read what comes, row by row. The deadline is ours: a script may lift the server's own limit."""
    pgconn = connection.pgconn
    pgconn.send_query(script.encode())
    pgconn.set_single_row_mode()
    poll = select.poll()
    while pgconn.flush():
        poll.register(pgconn.socket, select.POLLIN | select.POLLOUT)
        _await(poll, connection, deadline)
        pgconn.consume_input()
    poll.register(pgconn.socket, select.POLLIN)
    while True:
        while pgconn.is_busy():
            _await(poll, connection, deadline)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return
        if result.status in _COPY:
            pgconn.finish()
            raise psycopg.errors.FeatureNotSupported("COPY from STDIN or to STDOUT: there is nobody at the other end")
        if result.status not in _GOOD:
            raise psycopg.errors.error_from_result(result)
        result.clear()


def _await(poll: "select.poll", connection: Connection[tuple[object, ...]], deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        connection.cancel_safe(timeout=10)
        connection.pgconn.finish()
        raise psycopg.errors.QueryCanceled("it took too long and was ended")
