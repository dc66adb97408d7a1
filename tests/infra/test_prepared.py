"""Questions asked past the driver's cursor: the answer, a connection that knows nothing of them yet, and one that is gone."""

import psycopg
import pytest

from canonry.infra.db import Database
from canonry.infra.prepared import Prepared

LENGTH = Prepared("length of a test", "SELECT length($1::bytea), NULL::text, length($1::bytea) > 2, 'grün' WHERE length($1::bytea) > 0")


def test_it_answers_the_row_as_the_server_writes_it_and_none_for_no_row(database: Database) -> None:
    with database.reading() as connection:
        assert LENGTH.first(connection, b"\x00\xff\x01") == (b"3", None, b"t", "grün".encode())
        assert LENGTH.first(connection, b"1") == (b"1", None, b"f", "grün".encode())
        assert LENGTH.first(connection, b"") is None


def test_each_connection_prepares_it_for_itself(database: Database) -> None:
    for _ in range(2):
        with psycopg.connect(database.url.reveal(), autocommit=True) as connection:
            assert LENGTH.first(connection, b"12") == LENGTH.first(connection, b"12")
            (prepared,) = connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'length of a test'").fetchone() or ()
            assert prepared == 1


def test_a_connection_that_forgets_what_is_prepared_is_told_again(database: Database) -> None:
    """After a rollback the driver forgets all that was prepared; then every request was answered with 500 until the connection went."""
    with psycopg.connect(database.url.reveal(), autocommit=True) as connection:
        connection.execute("SELECT 1", prepare=True)
        assert LENGTH.first(connection, b"12") is not None
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT 1", prepare=True)
        connection.execute("SELECT 1")
        assert connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'length of a test'").fetchone() == (0,)
        assert LENGTH.first(connection, b"12") is not None
        connection.execute("DEALLOCATE ALL")
        with connection.transaction():
            assert LENGTH.first(connection, b"12") is not None
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_the_server_refuses_is_the_drivers_error(database: Database) -> None:
    with database.reading() as connection, pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        Prepared("a question nobody can answer", "SELECT 1 FROM nowhere").first(connection)
    with database.reading() as connection, pytest.raises(psycopg.errors.DivisionByZero):
        Prepared("a division", "SELECT 1 / length($1::bytea)").first(connection, b"")


def test_a_connection_that_is_lost_is_told_so(database: Database) -> None:
    with psycopg.connect(database.url.reveal(), autocommit=True) as connection:
        assert LENGTH.first(connection, b"1") is not None
        with database.connection() as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            LENGTH.first(connection, b"1")
