"""Row counts at one exact point of the WAL, so that a restore can be compared with what was there, row for row.

A restore point is written into the WAL, and rows are counted in snapshots that show exactly what is committed at that point. Three ways,
in this order:

1. Nobody writes. Snapshots, a look that no transaction holds an id, the point, such a look again, a snapshot again that equals the
   first: whoever committed between the first and the point would still hold its id (a lock on it goes last), or have changed the last
   snapshot. (To look past one under way is not enough: its commit may stand in the WAL before it can be seen.)
2. Somebody always writes: all tables are locked against writing (SHARE; readers go on) for the few milliseconds in which the snapshots are
   taken and the point is written. Locks are let go after a commit can be seen, so whoever was waited for is seen, and nobody is between.
   Writers wait for us no longer than `_LOCK_PATIENCE`; when a long transaction holds a table, we let go and try again.
3. The locks cannot be had: rows are counted before and after the point, and the counts are bounds (`exact` is False). They are strict
   for tables that are only added to; others may have been beyond them in between.

Not counted: unlogged tables (a restore empties them), temporary and foreign ones. Not compared (None): a table that was dropped or
rewritten while we counted, because a snapshot does not show what it held; one that cannot be counted because a function of the app fails.

Rows are counted by a login that may do nothing but read (reader.py).
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from canonry.core.secret import Secret
from canonry.infra.backup.reader import is_of_the_app, reading

type Counts = Mapping[str, Mapping[str, int | None]]
"""Database → schema.table → rows."""
type _Row = tuple[object, ...]
type _Tables = dict[str, tuple[int, int]]  # schema.table → oid, file

_QUIET_ATTEMPTS, _QUIET_PAUSE = 12, 0.15
_LOCK_ATTEMPTS, _LOCK_PAUSE = 4, 1.0
_LOCK_PATIENCE = "150ms"
_MOST_LOCKS = 2000  # tables; each lock takes shared memory
_SNAPSHOT = "SELECT pg_current_snapshot()::text"
_LIST = """SELECT format('%I.%I', n.nspname, c.relname), c.oid::bigint, coalesce(pg_relation_filenode(c.oid), 0)::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1"""


@dataclass(frozen=True)
class Point:
    """A restore point. name: recovery can stop at it. lsn: where it ends. counts: rows then; bounds with `counts_after` unless exact."""

    name: str
    lsn: str
    counts: Counts
    exact: bool
    counts_after: Counts = field(default_factory=dict)

    def differing(self, found: Counts) -> list[str]:
        """Return, in words, what a cluster that was restored to this point has otherwise (`count`); empty when nothing."""
        wrong = []
        for database, tables in self.counts.items():
            here, after = found.get(database, {}), self.counts_after.get(database, {})
            for table, rows in tables.items():
                wrong += _differs(f"{database}: {table}", rows, after.get(table, rows), here.get(table), exact=self.exact)
            wrong += [f"{database}: {table} should not be there" for table in here if self.exact and table not in tables]
        return wrong


def mark(url: Secret, prefix: str) -> Point:
    """Write a restore point and count the rows there. url: of a superuser, to any database of the cluster. Raises: psycopg.Error.

    prefix: of the point's name. Each attempt has a name of its own: recovery stops at the first point with the name it looks for, and an
    attempt may fail after its point was written.
    """
    names = (f"{prefix}_{number}" for number in itertools.count(1))
    for _ in range(_QUIET_ATTEMPTS):
        if (point := _mark_quiet(url, next(names))) is not None:
            return point
        time.sleep(_QUIET_PAUSE)
    for _ in range(_LOCK_ATTEMPTS):
        if (point := _mark_locked(url, next(names))) is not None:
            return point
        time.sleep(_LOCK_PAUSE)
    before = count(url)
    name = next(names)
    with _connect(url) as admin:
        lsn = _write_point(admin, name)
    return Point(name, lsn, before, exact=False, counts_after=count(url))


def count(url: Secret) -> Counts:
    """Count the rows of every table of every database as they are now. Raises: psycopg.Error."""
    with _snapshots(url) as views:
        return _count(views)


def count_in(connection: Connection[_Row]) -> Mapping[str, int | None]:
    """Count the rows of every table of one database, in the transaction that is open on it (its `search_path` is pg_catalog)."""
    return {table: _rows(connection, table, *place) for table, place in _tables(connection).items()}


@dataclass(frozen=True)
class _View:
    """A connection whose transaction sees one moment, and what tables it sees."""

    connection: Connection[_Row]
    tables: _Tables


@contextmanager
def _snapshots(url: Secret) -> Iterator[Mapping[str, _View]]:
    with reading(url, _databases(url)) as readers:
        yield _views(readers)


def _views(readers: Mapping[str, Connection[_Row]]) -> Mapping[str, _View]:
    for connection in readers.values():
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return {name: _View(connection, _tables(connection)) for name, connection in readers.items()}


def _mark_quiet(url: Secret, name: str) -> Point | None:
    writers = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'"
    with _snapshots(url) as views, _connect(url) as admin:
        seen = {_text(view.connection, _SNAPSHOT) for view in views.values()}
        if len(seen) != 1 or _text(admin, writers) != "0":
            return None
        lsn = _write_point(admin, name)
        if _text(admin, writers) != "0" or {_text(admin, _SNAPSHOT)} != seen:
            return None
        return Point(name, lsn, _count(views), exact=True)


def _mark_locked(url: Secret, name: str) -> Point | None:
    with ExitStack() as stack:
        databases = _databases(url)
        readers = stack.enter_context(reading(url, databases))  # before the locks, for which writers wait
        lockers = {database: stack.enter_context(_connect(url, database)) for database in databases}
        admin = stack.enter_context(_connect(url))
        locked = {database: _lock(connection) for database, connection in lockers.items()}
        if None in locked.values():
            return None
        views = _views(readers)
        lsn = _write_point(admin, name)
        still = not any(_somebody_changes_tables(connection) for connection in lockers.values())
        same = {database: view.tables for database, view in views.items()} == locked
        for connection in lockers.values():
            connection.rollback()
            connection.close()
        return Point(name, lsn, _count(views), exact=True) if still and same else None


def _lock(connection: Connection[_Row]) -> _Tables | None:
    """Lock every table against writing; return which, None when that cannot be had."""
    tables = _tables(connection)
    if len(tables) > _MOST_LOCKS:
        return None
    try:
        connection.execute("BEGIN")
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_PATIENCE)))
        if tables:
            connection.execute(f"LOCK TABLE ONLY {', ONLY '.join(tables)} IN SHARE MODE".encode())
    except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable, psycopg.errors.DeadlockDetected, psycopg.errors.OutOfMemory):
        connection.rollback()
        return None
    return tables


def _somebody_changes_tables(connection: Connection[_Row]) -> bool:
    query = """SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    return _text(connection, query) != "0"


def _count(views: Mapping[str, _View]) -> Counts:
    return {name: {table: _rows(view.connection, table, *place) for table, place in view.tables.items()} for name, view in views.items()}


def _rows(connection: Connection[_Row], table: str, oid: int, file: int) -> int | None:
    """Count a table's rows. The lock on it is let go at once, so that no change of a table waits for the next."""
    connection.execute("SAVEPOINT one")
    try:
        rows = int(_text(connection, f"SELECT count(*) FROM ONLY {table}"))  # noqa: S608 -- quoted by the server's own format()
        same = _text(connection, f"SELECT coalesce(pg_relation_filenode({oid}), 0)") == str(file)
    except psycopg.DatabaseError as error:
        if not is_of_the_app(error):
            raise
        return None
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT one")
    return rows if same else None


def _tables(connection: Connection[_Row]) -> _Tables:
    return {str(row[0]): (int(str(row[1])), int(str(row[2]))) for row in connection.execute(_LIST.encode()).fetchall()}


def _databases(url: Secret) -> Sequence[str]:
    with _connect(url) as connection:
        query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
        return [str(row[0]) for row in connection.execute(query).fetchall()]


def _write_point(connection: Connection[_Row], name: str) -> str:
    return _text(connection, sql.SQL("SELECT pg_create_restore_point({})").format(sql.Literal(name)))


def _text(connection: Connection[_Row], query: str | sql.Composed) -> str:
    row = connection.execute(query.encode() if isinstance(query, str) else query).fetchone()
    return "" if row is None else str(row[0])


def _connect(url: Secret, database: str | None = None) -> Connection[_Row]:
    conninfo = url.reveal() if database is None else make_conninfo(url.reveal(), dbname=database)
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=15, application_name="canonry backup")
    connection.execute("SET default_transaction_read_only = off; SET statement_timeout = 0; SET search_path = pg_catalog")
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    return connection


def _differs(table: str, before: int | None, after: int | None, found: int | None, *, exact: bool) -> list[str]:
    if before is None or after is None:
        return []
    low, high = sorted((before, after))
    if found is None:
        return [f"{table} is missing"] if exact else []
    if low <= found <= high:
        return []
    return [f"{table} has {found} rows, not {low if low == high else f'{low} to {high}'}"]
