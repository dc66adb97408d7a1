"""The schema's history: SQL files, applied once each, in order, forward only.

`migrations/YYYY_MM_DD_HHMM_words.sql` are ours. The job queue's own schema comes first: its files are procrastinate's, recorded by name,
so that a newer procrastinate applies exactly the files that are missing.
"""

import hashlib
import importlib.util
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import Connection

from canonry.core.errors import Conflict, Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.infra.db import Row, connect

_NAME = re.compile(r"\d{4}_\d{2}_\d{2}_\d{4}_[a-z0-9_]+\.sql")
_QUEUE = "procrastinate/"
_LOCK = 7_226_679_031  # any number that nobody else uses for pg_advisory_lock


@dataclass(frozen=True)
class _Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_folder() -> Path:
    """Return where our SQL files lie: in the source tree, else where the package was installed."""
    beside_source = Path(__file__).resolve().parents[3] / "migrations"
    if beside_source.is_dir():
        return beside_source
    return Path(sysconfig.get_path("data")) / "share" / "canonry" / "migrations"


def migrate(url: Secret, folder: Path) -> list[str]:
    """Bring the database up to date and return the names of what was applied, in order. Safe to call from several processes at once.

    Raises: Conflict `database_newer` (it knows a migration that is not in `folder`) | `migration_changed` (an applied file was edited);
    Invalid `migration_name`; Unavailable `database_unavailable` | `migration_failed` (that file left no trace).
    """
    files = _read(folder)
    with connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.execute("SET client_min_messages = warning")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            "name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied: dict[str, str] = dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())
        queue = _queue_files()
        _require_known(applied, {item.name for item in (*queue, *files)})
        _require_unchanged(applied, files)
        done = _migrate_queue(connection, queue, applied)
        for item in files:
            if item.name not in applied:
                _apply(connection, item.name, item.sql, [item])
                done.append(item.name)
        return done


def _read(folder: Path) -> list[_Migration]:
    files = sorted(folder.glob("*.sql"))
    for file in files:
        if not _NAME.fullmatch(file.name):
            raise Invalid("migration_name", f"{file} is not named like 2026_01_31_1200_words.sql.", hint="Rename the file.")
    return [_Migration(file.name, file.read_text(encoding="utf-8")) for file in files]


def _queue_files() -> list[_Migration]:
    folder = _queue_folder() / "migrations"
    return [_Migration(_QUEUE + file.name, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.sql"))]


def _queue_folder() -> Path:
    """Return where procrastinate keeps its SQL. The package itself is not imported: that takes 0.2 s and 10 MB, for nothing we use."""
    spec = importlib.util.find_spec("procrastinate")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("queue_missing", "The package procrastinate is not installed.", hint="Run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "sql"


def _require_known(applied: dict[str, str], known: set[str]) -> None:
    if unknown := sorted(set(applied) - known):
        raise Conflict(
            "database_newer", f"A newer Canonry used this database: it has the migration {unknown[-1]}, which this version does not know.",
            hint="Start the newer version again; a database is never taken back.",
        )  # fmt: skip


def _require_unchanged(applied: dict[str, str], files: list[_Migration]) -> None:
    for item in files:
        if applied.get(item.name, item.checksum) != item.checksum:
            raise Conflict("migration_changed", f"The migration {item.name} was edited after it had been applied to this database.",
                           hint="Put the file back as it was and write a new migration.")  # fmt: skip


def _migrate_queue(connection: Connection[Row], files: list[_Migration], applied: dict[str, str]) -> list[str]:
    missing = [item for item in files if item.name not in applied]
    if len(missing) == len(files):  # new database: the whole schema at once stands for all its files
        _apply(connection, "procrastinate", (_queue_folder() / "schema.sql").read_text(encoding="utf-8"), missing)
        return [missing[-1].name]
    for item in missing:
        _apply(connection, item.name, item.sql, [item])
    return [item.name for item in missing]


def _apply(connection: Connection[Row], name: str, sql: str, record: list[_Migration]) -> None:
    try:
        with connection.transaction():
            connection.execute(sql.encode())
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", [(i.name, i.checksum) for i in record])
    except psycopg.Error as error:
        raise Unavailable("migration_failed", f"The migration {name} failed and left nothing behind: {str(error).strip()}",
                          hint="This is a fault of Canonry or of a change made to the database by hand.") from error  # fmt: skip
