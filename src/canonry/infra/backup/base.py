"""Base backups: a copy of a running cluster in the archive, whole or as what has changed since another one.

    base/<cluster>/<id>/data      what pg_basebackup sends (tar, with the WAL between its begin and its end)
    base/<cluster>/<id>/wal       the segments from there to the restore point at which its rows were counted, one behind the other
    base/<cluster>/<id>/manifest  PostgreSQL's own list of files: a later incremental is made against it
    base/<cluster>/<id>/info      this is written last: without it there is no backup

So a backup can be restored to its restore point with nothing but itself and those it builds on, whatever became of other WAL.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import Connection, sql

from canonry.core.clock import now
from canonry.core.errors import CanonryError, NotFound
from canonry.core.secret import Secret
from canonry.infra.backup import errors
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.counting import Point, mark
from canonry.infra.backup.programs import connection_environment, output_of, program
from canonry.infra.backup.tar_scanner import TarScanner
from canonry.infra.backup.wal import name_of, parse_lsn

_MANIFEST, _LABEL = "backup_manifest", "backup_label"


@dataclass(frozen=True)
class BaseBackup:
    """A base backup. parent: the one it builds on, None for a full one. started, ended: it serves restores to a moment from `ended` on.

    start_lsn, end_lsn: the WAL without which it is nothing. point: where its rows were counted, after its end.
    wal: the segments up to there.
    size: bytes in the archive. data_bytes: before compression. version: as `180006`.
    """

    id: str
    cluster: str
    parent: str | None
    started: datetime
    ended: datetime
    timeline: int
    start_lsn: str
    end_lsn: str
    point: Point
    point_at: datetime
    wal: tuple[str, ...]
    segment_bytes: int
    version: int
    system: str
    files: int
    data_bytes: int
    size: int

    @property
    def folder(self) -> str:
        """Where it lies in the archive."""
        return _folder(self.cluster, self.id)

    @property
    def first_segment(self) -> int:
        """The number of the segment in which it begins."""
        return parse_lsn(self.start_lsn) // self.segment_bytes

    @property
    def last_segment(self) -> int:
        """The number of the last segment that is in it."""
        return (parse_lsn(self.end_lsn) - 1) // self.segment_bytes


def take(url: Secret, archive: Archive, programs: Path, *, backup_id: str, parent: BaseBackup | None = None) -> BaseBackup:
    """Copy the running cluster behind `url` (a superuser's) into the archive.

    parent: copy only what has changed since that one; the cluster must have kept its summaries of WAL since then (`summarize_wal`).
    programs: the folder of PostgreSQL's programs. It is there whole or not at all.
    Raises: Unavailable `backup_failed` | `disk_full` and as `Objects.put`.
    """
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15, application_name="canonry backup") as connection:
            return _take(connection, url, archive, programs, backup_id, parent)
    except psycopg.Error as error:
        _discard(archive, backup_id)
        raise errors.failed("the base backup", str(error)) from error
    except BaseException:
        _discard(archive, backup_id)
        raise


def load(archive: Archive, backup_id: str) -> BaseBackup:
    """Return a base backup. Raises: NotFound `backup_missing`; Conflict `backup_…` (seal.py)."""
    name = f"{_folder(archive.cluster, backup_id)}/info"
    try:
        values = json.loads(b"".join(archive.get(name)))
    except NotFound as error:
        raise NotFound("backup_missing", f"There is no base backup {backup_id} in {archive.objects.place}.",
                       hint="List the backups; old ones are removed.") from error  # fmt: skip
    return _from_json(values)


def find_all(archive: Archive) -> list[BaseBackup]:
    """Return all whole base backups of the cluster, oldest first. Raises: Conflict `backup_…` (seal.py)."""
    found = archive.objects.list(f"base/{archive.cluster}")
    ids = [parts[2] for item in found if len(parts := item.key.split("/")) == 4 and parts[3] == "info"]
    return sorted((load(archive, backup_id) for backup_id in ids), key=lambda backup: (backup.ended, backup.id))


def choose(backups: list[BaseBackup], until: datetime | None) -> BaseBackup:
    """Return the newest backup from which a restore to that moment can begin; None: to the latest.

    Raises: NotFound `no_backup_then`, naming the earliest moment there is.
    """
    fitting = [backup for backup in backups if until is None or backup.ended <= until]
    if not fitting:
        first = min((backup.ended for backup in backups), default=None)
        hint = f"The earliest moment is {first:%Y-%m-%d %H:%M:%S} UTC." if first else "Wait for its first backup, or make one."
        raise NotFound("no_backup_then", "There is no backup from which that moment can be reached.", hint=hint)
    return max(fitting, key=lambda backup: (backup.ended, backup.id))


def chain(archive: Archive, backup: BaseBackup) -> list[BaseBackup]:
    """Return what it builds on, the full one first, and itself. Raises: NotFound `backup_missing`; Conflict `backup_…`."""
    found = [backup]
    while (parent := found[0].parent) is not None:
        found.insert(0, load(archive, parent))
    return found


def delete(archive: Archive, backup_id: str) -> None:
    """Remove a base backup. Idempotent; what is left after a crash half-way is no backup any more."""
    folder = _folder(archive.cluster, backup_id)
    archive.objects.delete(f"{folder}/info")
    _discard(archive, backup_id)


def _take(
    connection: Connection[tuple[object, ...]], url: Secret, archive: Archive, programs: Path, backup_id: str, parent: BaseBackup | None
) -> BaseBackup:
    started = now()
    folder = _folder(archive.cluster, backup_id)
    # Holds all WAL from here on until the segments up to the point are read; it goes with this connection, however that ends.
    slot = sql.Literal(f"canonry_{backup_id.lower()}")
    connection.execute(sql.SQL("SELECT pg_create_physical_replication_slot({}, true, true)").format(slot))
    scanner = TarScanner([_MANIFEST, _LABEL])
    with TemporaryDirectory(prefix="canonry-backup-") as work:
        argv = [program(programs, "pg_basebackup"), "-D", "-", "-F", "t", "-X", "fetch", "-c", "fast", "--no-password", "-l", backup_id]
        if parent is not None:
            manifest = Path(work) / _MANIFEST
            manifest.write_bytes(b"".join(archive.get(f"{parent.folder}/manifest")))
            argv.append(f"--incremental={manifest}")
        output = output_of(argv, connection_environment(url), doing="the base backup")
        size = archive.put(f"{folder}/data", scanner.passing(output))
    ended = now()
    manifest_text = bytes(scanner.kept.get(_MANIFEST, b""))
    manifest_json = json.loads(manifest_text or b"{}")
    if not manifest_json.get("WAL-Ranges"):
        raise errors.failed("the base backup", "it came without a list of its files")
    size += archive.put(f"{folder}/manifest", [manifest_text])
    point = mark(url, f"canonry_{backup_id}")
    point_at = now()
    connection.execute("SELECT pg_switch_wal()")  # the point is on the disk now, and its segment is whole
    extent = manifest_json["WAL-Ranges"][-1]
    row = connection.execute("SELECT setting::bigint, current_setting('server_version_num')::int FROM pg_settings "
                             "WHERE name = 'wal_segment_size'").fetchone() or (0, 0)  # fmt: skip
    segment_bytes, version = int(str(row[0])), int(str(row[1]))
    first, last = ((parse_lsn(lsn) - 1) // segment_bytes for lsn in (extent["End-LSN"], point.lsn))
    names = tuple(name_of(extent["Timeline"], number, segment_bytes) for number in range(first + 1, last + 1))
    size += archive.put(f"{folder}/wal", _segments(connection, names))
    backup = BaseBackup(
        id=backup_id, cluster=archive.cluster, parent=parent.id if parent else None, started=started, ended=ended,
        timeline=extent["Timeline"], start_lsn=manifest_json["WAL-Ranges"][0]["Start-LSN"], end_lsn=extent["End-LSN"], point=point,
        point_at=point_at, wal=names, segment_bytes=segment_bytes, version=version,
        system=str(manifest_json.get("System-Identifier", "")), files=scanner.files, data_bytes=scanner.size, size=size,
    )  # fmt: skip
    archive.put(f"{folder}/info", [json.dumps(_to_json(backup)).encode()])
    return backup


def _segments(connection: Connection[tuple[object, ...]], names: tuple[str, ...]) -> Iterator[bytes]:
    for name in names:
        row = connection.execute("SELECT pg_read_binary_file(%s)", (f"pg_wal/{name}",), binary=True).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise errors.failed("the base backup", f"the segment {name} cannot be read")
        yield row[0]


def _discard(archive: Archive, backup_id: str) -> None:
    """Remove what there is of a backup that did not succeed; what cannot be removed now, retention removes."""
    try:
        for item in archive.objects.list(_folder(archive.cluster, backup_id)):
            archive.objects.delete(item.key)
    except CanonryError:
        return


def _folder(cluster: str, backup_id: str) -> str:
    return f"base/{cluster}/{backup_id}"


def _to_json(backup: BaseBackup) -> dict[str, Any]:
    values = asdict(backup)
    return {**values, **{name: values[name].isoformat() for name in ("started", "ended", "point_at")}}


def _from_json(values: dict[str, Any]) -> BaseBackup:
    times = {name: datetime.fromisoformat(values[name]) for name in ("started", "ended", "point_at")}
    return BaseBackup(**{**values, **times, "point": Point(**values["point"]), "wal": tuple(values["wal"])})
