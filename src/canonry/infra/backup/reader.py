"""A login that reads every row of a cluster and may do nothing else: whoever counts rows is it.

To plan `SELECT count(*)` PostgreSQL carries out functions of the app, where they stand in indexes and statistics, as whoever counts. As
superuser they could do everything, also behind SET ROLE: what a superuser has set, code in its session may take back. So this is a
session of its own, which has never been more. Row security does not hide rows from it.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from canonry.core.secret import Secret

NAME = "canonry_reader"
_LOCK = 4_872_093_177_215  # in the database postgres, where no app gets in
_SERIOUS = {"08", "53", "57", "58", "XX"}  # classes of errors: connection, resources, operator, system, damage
type Rows = Connection[Any]
type Login = tuple[str, Secret]  # a name and its password


@contextmanager
def reading(url: Secret, databases: Sequence[str] | None = None) -> Iterator[Mapping[str, Rows]]:
    """Give a connection to each of these databases, by name. url: of a superuser. None: to the database that it names.

    Raises: psycopg.Error.
    """
    names = [str(conninfo_to_dict(url.reveal()).get("dbname", "postgres"))] if databases is None else databases
    with ExitStack() as stack:
        with psycopg.connect(make_conninfo(url.reveal(), dbname="postgres"), autocommit=True, connect_timeout=15) as admin:
            admin.execute("SET default_transaction_read_only = off; SET statement_timeout = '60s'; SET search_path = pg_catalog")
            admin.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # the password is for one at a time
            password = Secret(secrets.token_hex(20))
            try:
                _admit(admin, names, password)
                found = {name: stack.enter_context(opened(url, user=NAME, password=password, database=name)) for name in names}
            finally:
                admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(sql.Identifier(NAME)))
        yield found


@contextmanager
def reading_one(url: Secret, login: Login | None) -> Iterator[Rows]:
    """Give a connection to the database that the address names. login: the app's, where the address is no superuser's.

    Raises: psycopg.Error.
    """
    if login is None:
        with reading(url) as found:
            yield next(iter(found.values()))
    else:
        with opened(url, user=login[0], password=login[1]) as connection:
            yield connection


def opened(url: Secret, *, user: str, password: Secret, database: str | None = None) -> Rows:
    """Return a connection as somebody else, ready for long work: rows it may not see are an error, not left out. Raises: psycopg.Error."""
    changes = {"user": user, "password": password.reveal(), **({"dbname": database} if database is not None else {})}
    conninfo = make_conninfo(url.reveal(), **changes)
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=15, application_name="canonry backup")
    connection.execute("SET statement_timeout = 0; SET search_path = pg_catalog; SET row_security = off")
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    return connection


def is_of_the_app(error: psycopg.DatabaseError) -> bool:
    """Say whether the app's own functions, or a table that is gone, are why something could not be read, and not the server."""
    return error.sqlstate is not None and error.sqlstate[:2] not in _SERIOUS


def _admit(admin: Rows, databases: Sequence[str], password: Secret) -> None:
    role = sql.Identifier(NAME)
    if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME]).fetchone() is None:
        admin.execute(sql.SQL("CREATE ROLE {}").format(role))
    verifier = admin.pgconn.encrypt_password(password.reveal().encode(), NAME.encode(), b"scram-sha-256").decode()
    admin.execute(
        sql.SQL("ALTER ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS INHERIT LOGIN PASSWORD {}").format(
            role, sql.Literal(verifier)
        )
    )
    admin.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(role))
    admin.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(role))
    for name in databases:
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), role))
