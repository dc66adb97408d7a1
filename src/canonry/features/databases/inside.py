"""All SQL that is run inside the clusters of projects, as their superuser: roles, limits, looks.

The app signs in as one of two logins that take turns, both members of an owner that nobody can sign in as: whatever either makes belongs
to the owner, so the other finds it after a rotation. Passwords go over as SCRAM verifiers, so that none reaches a log of the server.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import Connection, sql

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.features.databases.rules import Names
from canonry.ports.clusters import TIERS

_RESERVED = 5  # connections of a tier that are kept for people
_GUEST_CONNECTIONS = 5
_IDLE_IN_TRANSACTION = {"small": "5min", "medium": "15min", "large": "30min"}
_STATEMENT = {"small": "10min", "medium": "30min", "large": "60min"}


@dataclass(frozen=True)
class Login:
    """A role that may sign in, and its password; None keeps the one it has."""

    name: str
    password: Secret | None


@dataclass(frozen=True)
class Look:
    """What is seen of a database: its version, its size, how many connections there are, and how many guests whose time is over.

    temporary_bytes: what sorting and the like take at this moment (0 on a server outside). kept_out: the app's logins cannot come in.
    """

    version: str
    size_bytes: int
    connections: int
    overdue: int
    temporary_bytes: int = 0
    kept_out: bool = False


@contextmanager
def connected(url: Secret) -> Iterator[Connection[tuple[object, ...]]]:
    """Give a connection on which each statement is a transaction. Raises: Unavailable `database_unreachable`, `database_refused`."""
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=10, application_name="canonry") as connection:
            # pg_catalog alone: in the app's database the app may make functions and operators that fit better, and we are its superuser.
            connection.execute("SET search_path = pg_catalog; SET statement_timeout = '60s'; SET default_transaction_read_only = off")
            yield connection
    except psycopg.OperationalError as error:
        raise Unavailable("database_unreachable", f"The database does not answer: {_first_line(error)}", hint="Try again.") from error
    except psycopg.Error as error:
        raise Unavailable("database_refused", f"The database refuses: {_first_line(error)}", hint="Report it if it stays.") from error


def prepare(url: Secret, names: Names, tier: str, logins: list[Login]) -> None:
    """Make the logins what they shall be, whatever is there. logins: who may sign in; nobody else may."""
    with connected(url) as connection:
        _fit(connection, names, tier)
        for name in names.logins:
            _belong(connection, name, names.owner)
        _shut(connection, names, [login.name for login in logins])
        for login in logins:
            _open(connection, login)


def fit(url: Secret, names: Names, tier: str) -> None:
    """Give the app's logins what a tier allows: connections, and how long statements and idle transactions may take."""
    with connected(url) as connection:
        _fit(connection, names, tier)


def _fit(connection: Connection[tuple[object, ...]], names: Names, tier: str) -> None:
    for name in names.logins:
        _role(connection, name, sql.SQL("INHERIT CONNECTION LIMIT {}").format(TIERS[tier].connections - _RESERVED))
        _bound(connection, name, tier)


def _shut(connection: Connection[tuple[object, ...]], names: Names, kept: list[str]) -> None:
    """Let nobody sign in but those in `kept`: no other login, no guest."""
    guests = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (_pattern(names),)).fetchall()
    for name in (*names.logins, *(str(row[0]) for row in guests)):
        if name not in kept:
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN VALID UNTIL '-infinity'").format(sql.Identifier(name)))
            _end_sessions(connection, name)


def open_login(url: Secret, login: Login) -> None:
    """Let somebody sign in with a new password."""
    with connected(url) as connection:
        _open(connection, login)


def close_login(url: Secret, name: str) -> None:
    """Let somebody sign in no longer, and end their connections."""
    with connected(url) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
        _end_sessions(connection, name)


def admit_guest(url: Secret, names: Names, tier: str, password: Secret, until: datetime) -> str:
    """Make a login for a person until then, which may do what the app may, and return its name."""
    name = f"{names.guests}{secrets.token_hex(4)}"
    with connected(url) as connection:
        _role(connection, name, sql.SQL("INHERIT CONNECTION LIMIT {}").format(_GUEST_CONNECTIONS))
        _belong(connection, name, names.owner)
        _bound(connection, name, tier)
        _open(connection, Login(name, password))
        statement = sql.SQL("ALTER ROLE {} VALID UNTIL {}").format(sql.Identifier(name), sql.Literal(until.isoformat()))
        connection.execute(statement)
    return name


def dismiss_guests(url: Secret, names: Names) -> None:
    """Let the guests go whose time is over; what they own becomes the owner's. url: to the project's database."""
    with connected(url) as connection:
        _dismiss(connection, names)


def look(url: Secret, names: Names, *, shared: bool) -> Look:
    """Look at a database. url: to another one of the same server, so that looking does not count as a connection."""
    with connected(url) as connection:
        temporary = None if shared else connection.execute("SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()").fetchone()
        row = connection.execute(
            """SELECT current_setting('server_version'), pg_database_size(datname), numbackends,
               (SELECT count(*) FROM pg_roles WHERE rolname LIKE %s AND rolvaliduntil < now()),
               EXISTS (SELECT FROM pg_roles WHERE rolname = ANY(%s) AND rolconnlimit = 0)
               FROM pg_stat_database WHERE datname = %s""",
            (_pattern(names), list(names.logins), names.database),
        ).fetchone()
    if row is None:
        raise Unavailable("database_unreachable", "The database is not in its cluster.", hint="Restore it from a backup.")
    return Look(str(row[0]).split(" ", 1)[0], int(str(row[1])), int(str(row[2])), int(str(row[3])),
                int(str(temporary[0])) if temporary else 0, row[4] is True)  # fmt: skip


def keep_out(url: Secret, names: Names, tier: str, *, out: bool) -> None:
    """End the app's connections and let none in any more, or let them in again; people with logins of their own may come either way."""
    with connected(url) as connection:
        if not out:
            _fit(connection, names, tier)
            return
        for name in names.logins:
            connection.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 0").format(sql.Identifier(name)))
        for name in names.logins:
            _end_sessions(connection, name)


def refuse_writes(url: Secret, names: Names, *, refuse: bool, shared: bool) -> None:
    """Let transactions be read-only unless somebody says otherwise, or writable again. shared: on a server with others."""
    with connected(url) as connection:
        where = sql.SQL("ALTER DATABASE {} ").format(sql.Identifier(names.database)) if shared else sql.SQL("ALTER SYSTEM ").format()
        what = sql.SQL("SET default_transaction_read_only = on") if refuse else sql.SQL("RESET default_transaction_read_only")
        if not shared:  # ours has to write all the same, in copies and restores of a full database too
            connection.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = off")
        connection.execute(where + what)
        if shared:  # its settings are not ours, and connections that are open keep what they began with, so they are ended
            for name in names.logins:
                _end_sessions(connection, name)
        else:
            connection.execute("SELECT pg_reload_conf()")


def _role(connection: Connection[tuple[object, ...]], name: str, options: sql.Composable) -> None:
    """Make a role, or give the one that is there these options; it is never more than an ordinary one."""
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    is_superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)
    role = sql.Identifier(name)
    if there is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        if not is_superuser:  # else we could not end its sessions
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    plain = sql.SQL("NOSUPERUSER NOREPLICATION NOBYPASSRLS") if is_superuser else sql.SQL("")
    connection.execute(sql.SQL("ALTER ROLE {} NOCREATEDB NOCREATEROLE {} {}").format(role, plain, options))


def _belong(connection: Connection[tuple[object, ...]], name: str, owner: str) -> None:
    """Let a login be the owner from its first statement on."""
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(owner), sql.Identifier(name)))
    connection.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(sql.Identifier(name), sql.Literal(owner)))


def _bound(connection: Connection[tuple[object, ...]], name: str, tier: str) -> None:
    bounds = {"statement_timeout": _STATEMENT[tier], "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION[tier]}
    for setting, value in bounds.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(name), sql.Identifier(setting), sql.Literal(value))
        connection.execute(statement)


def _open(connection: Connection[tuple[object, ...]], login: Login) -> None:
    statement = sql.SQL("ALTER ROLE {} LOGIN VALID UNTIL 'infinity'").format(sql.Identifier(login.name))
    if login.password is not None:
        verifier = connection.pgconn.encrypt_password(login.password.reveal().encode(), login.name.encode(), b"scram-sha-256")
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
    connection.execute(statement)


def _end_sessions(connection: Connection[tuple[object, ...]], name: str) -> None:
    connection.execute("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", (name,))


def _dismiss(connection: Connection[tuple[object, ...]], names: Names) -> None:
    query = "SELECT rolname FROM pg_roles WHERE rolname LIKE %s AND rolvaliduntil < now()"
    for (found,) in connection.execute(query, (_pattern(names),)).fetchall():
        guest, owner = sql.Identifier(str(found)), sql.Identifier(names.owner)
        _end_sessions(connection, str(found))
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(guest, owner))  # what was made in spite of the role that is set
        connection.execute(sql.SQL("DROP OWNED BY {}").format(guest))
        connection.execute(sql.SQL("DROP ROLE {}").format(guest))


def _pattern(names: Names) -> str:
    return names.guests.replace("_", r"\_") + "%"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
