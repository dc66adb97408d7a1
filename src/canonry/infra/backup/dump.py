"""Logical dumps: one database as pg_dump's custom format, in the archive as `dump/<cluster>/<id>/data` and, written last, `info`.

The rows are counted in the snapshot that is dumped, so the counts are exact however much is written meanwhile.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from canonry.core.clock import now
from canonry.core.errors import CanonryError, NotFound
from canonry.core.secret import Secret
from canonry.infra.backup import errors
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.counting import count_in
from canonry.infra.backup.programs import connection_environment, feed, output_of, program
from canonry.infra.backup.reader import Login, reading_one


@dataclass(frozen=True)
class Dump:
    """A dump of one database. at: what was committed then is in it. counts: schema.table → rows (None: not counted).

    version: of the server it was made of, as `server_version_num`. size: in the archive; data_bytes: what the database took on its server's
    disk (0: not known).
    """

    id: str
    cluster: str
    database: str
    at: datetime
    version: int
    counts: Mapping[str, int | None]
    size: int
    data_bytes: int = 0


def take(url: Secret, archive: Archive, programs: Path, *, dump_id: str, login: Login | None = None) -> Dump:
    """Dump the database behind `url` into the archive, whole or not at all.

    login: the app's, with its password, who counts the rows where `url` is no superuser's.
    Raises: Unavailable `backup_failed` | `disk_full`, as `Objects.put`.
    """
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15, application_name="canonry backup") as connection:
            connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET search_path = pg_catalog")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute(
                """SELECT pg_export_snapshot(), now(), current_database(), current_setting('server_version_num')::int,
                   pg_database_size(current_database())"""
            ).fetchone() or ("", now(), "", 0, 0)  # fmt: skip
            argv = [program(programs, "pg_dump"), "--format=custom", "--compress=none", "--no-password", f"--snapshot={row[0]}"]
            output = output_of(argv, connection_environment(url), doing="the dump")
            size = archive.put(f"{_folder(archive, dump_id)}/data", output)
            counts = _counted(url, str(row[0]), login)
            made = Dump(dump_id, archive.cluster, str(row[2]), row[1], int(row[3]), counts, size, int(row[4]))
        values = {**asdict(made), "at": made.at.isoformat()}
        archive.put(f"{_folder(archive, dump_id)}/info", [json.dumps(values).encode()])
        return made
    except psycopg.Error as error:
        _discard(archive, dump_id)
        raise errors.failed("the dump", str(error)) from error
    except BaseException:
        _discard(archive, dump_id)
        raise


def _counted(url: Secret, snapshot: str, login: Login | None) -> Mapping[str, int | None]:
    """Count the rows that the snapshot shows, without being more than whoever wrote them."""
    with reading_one(url, login) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return count_in(connection)


def load(archive: Archive, dump_id: str) -> Dump:
    """Return a dump. Raises: NotFound `backup_missing`; Conflict `backup_…` (seal.py)."""
    try:
        values: dict[str, Any] = json.loads(b"".join(archive.get(f"{_folder(archive, dump_id)}/info")))
    except NotFound as error:
        raise NotFound("backup_missing", f"There is no dump {dump_id} in {archive.objects.place}.",
                       hint="List the backups; old ones are removed.") from error  # fmt: skip
    return Dump(**{**values, "at": datetime.fromisoformat(values["at"])})


def find_all(archive: Archive) -> list[Dump]:
    """Return all whole dumps of the cluster, oldest first."""
    found = archive.objects.list(f"dump/{archive.cluster}")
    ids = [parts[2] for item in found if len(parts := item.key.split("/")) == 4 and parts[3] == "info"]
    return sorted((load(archive, dump_id) for dump_id in ids), key=lambda dump: (dump.at, dump.id))


def content(archive: Archive, dump_id: str) -> Generator[bytes]:
    """Yield a dump as pg_dump wrote it; whoever stops early closes it. Raises: NotFound `object_missing`; Conflict `backup_…` (seal.py)."""
    return archive.get(f"{_folder(archive, dump_id)}/data")


def restore(archive: Archive, dump_id: str, url: Secret, programs: Path, *, owner: str | None = None) -> None:
    """Fill the empty database behind `url` from a dump, in one transaction. owner: a role that everything shall belong to.

    What a dump holds was written by the app and is carried out here: functions behind checks and indexes, say. So sign in as somebody who
    may no more than the app. Raises: Unavailable `backup_failed` | `disk_full`; NotFound `object_missing`; Conflict `backup_…` (seal.py):
    then the database is as it was.
    """
    environment = connection_environment(url)
    argv = [
        program(programs, "pg_restore"),
        "--single-transaction",
        "--exit-on-error",
        "--enable-row-security",  # what is made of rows that others hide, a materialized view say, is made as its owner makes it
        "--no-password",
        f"--dbname={environment['PGDATABASE']}",
    ]
    if owner is not None:
        argv += ["--no-owner", "--no-privileges", f"--role={owner}"]
    with closing(content(archive, dump_id)) as pieces:
        feed(argv, environment, pieces, doing="restoring the dump")


def analyze(url: Secret) -> None:
    """Let the planner know what a restored database holds: a dump does not say it. Raises: psycopg.Error."""
    with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15, application_name="canonry backup") as connection:
        connection.execute("SET statement_timeout = 0; SET client_min_messages = error")
        connection.execute("ANALYZE")


def delete(archive: Archive, dump_id: str) -> None:
    """Remove a dump. Idempotent."""
    archive.objects.delete(f"{_folder(archive, dump_id)}/info")
    archive.objects.delete(f"{_folder(archive, dump_id)}/data")


def _discard(archive: Archive, dump_id: str) -> None:
    try:
        delete(archive, dump_id)
    except CanonryError:
        return


def _folder(archive: Archive, dump_id: str) -> str:
    return f"dump/{archive.cluster}/{dump_id}"
