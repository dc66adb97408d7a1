"""What differs between the live database and a restored one: tables, rows, the newest of them. Bounded in time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import Connection, sql

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra.backup.reader import Login, is_of_the_app, reading_one

type Way = tuple[Secret, Login | None]  # an address, and the app's login where it is no superuser's

_SECONDS = 20.0  # for both databases together; what is not counted by then is estimated
_MOST_TABLES = 500
# The column that tells new rows from old ones: a time with a name that says so, else a number that is the whole primary key.
_TABLES = """
SELECT n.nspname, c.relname, greatest(c.reltuples, 0)::bigint,
    coalesce(
        (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
             AND a.attname IN ('created_at', 'createdat', 'created', 'inserted_at', 'timestamp', 'at', 'time', 'date', 'updated_at')
         ORDER BY a.attname <> 'created_at', a.attnum LIMIT 1),
        (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnatts = 1
             AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
ORDER BY 1, 2 LIMIT %s
"""


@dataclass(frozen=True)
class Table:
    """One table as it was seen. rows: counted, or estimated (exact is False). newest: the greatest value of `column`."""

    rows: int
    exact: bool
    column: str | None
    newest: str | None


def look(url: Secret, deadline: float, login: Login | None = None) -> dict[str, Table]:
    """Return the tables of a database by their full names. deadline: of time.monotonic(); what is not counted by then is estimated.

    login: the app's, where the address is no superuser's. Raises: Unavailable `database_unreachable`.
    """
    try:
        with reading_one(url, login) as connection:
            connection.execute("SET default_transaction_read_only = on; SET lock_timeout = '2s'")
            rows = connection.execute(_TABLES, (_MOST_TABLES,)).fetchall()
            return {f"{schema}.{name}": _seen(connection, schema, name, rough, column, deadline) for schema, name, rough, column in rows}
    except psycopg.Error as error:
        text = next(iter(str(error).splitlines()), "")
        raise Unavailable("database_unreachable", f"The database does not answer: {text}", hint="Try again.") from error


def counts(url: Secret, seconds: float = _SECONDS) -> dict[str, int]:
    """Return how many rows each table has, those apart that cannot be counted within that time."""
    return {name: table.rows for name, table in look(url, time.monotonic() + seconds).items() if table.exact}


def compare(live: Way, restored: Way) -> dict[str, Any]:
    """Return what differs, as a restore keeps it: see `difference`. Raises: Unavailable `database_unreachable`."""
    began = time.monotonic()
    there = look(live[0], began + _SECONDS / 2, live[1])
    here = look(restored[0], time.monotonic() + _SECONDS / 2, restored[1])
    return difference(there, here)


def difference(live: Mapping[str, Table], restored: Mapping[str, Table]) -> dict[str, Any]:
    """Return {tables: [...], same, complete}: the tables that differ, how many do not, and whether every row was counted.

    only_live, only_restored: the table is in that one alone. live, restored: rows. newest_…: the greatest value of `column`.
    """
    tables = []
    for name in sorted(live.keys() | restored.keys()):
        one, other = live.get(name), restored.get(name)
        if one is not None and other is not None and (one.rows, one.newest) == (other.rows, other.newest):
            continue
        shown = one or other
        tables.append({
            "table": name, "change": "only_restored" if one is None else "only_live" if other is None else "rows",
            "live": one.rows if one is not None else None, "restored": other.rows if other is not None else None,
            "exact": all(table.exact for table in (one, other) if table is not None), "column": shown.column if shown is not None else None,
            "newest_live": one.newest if one is not None else None, "newest_restored": other.newest if other is not None else None,
        })  # fmt: skip
    complete = all(table.exact for table in (*live.values(), *restored.values()))
    return {"tables": tables, "same": len(live.keys() | restored.keys()) - len(tables), "complete": complete}


def _seen(connection: Connection[Any], schema: str, name: str, rough: int, column: str | None, deadline: float) -> Table:
    left = int((deadline - time.monotonic()) * 1000)
    if left > 0:
        newest = sql.SQL("max({})").format(sql.Identifier(column)) if column is not None else sql.SQL("NULL")
        query = sql.SQL("SELECT count(*), {} FROM {}").format(newest, sql.Identifier(schema, name))
        try:
            connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(left)))
            row = connection.execute(query).fetchone()
            if row is not None:
                return Table(int(row[0]), exact=True, column=column, newest=_text(row[1]))
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
            pass
        except psycopg.DatabaseError as error:
            if not is_of_the_app(error):
                raise
    return Table(rough, exact=False, column=column, newest=None)


def _text(value: object) -> str | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return None if value is None else str(value)
