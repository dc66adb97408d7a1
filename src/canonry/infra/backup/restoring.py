"""A data folder as a cluster was at a moment, made of what lies in the archive. Nothing is started, nothing that runs is touched.

Whoever starts PostgreSQL on the folder has it recover: `recovery.signal` is there, the segments it needs lie in `restore/` inside it (which
it removes at the end), and `postgresql.auto.conf` says how far to go. Recovery ends with a new timeline, open for writing.
"""

import errno
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from canonry.core.errors import Unavailable
from canonry.infra import subprocess
from canonry.infra.backup import base, errors, extent
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup
from canonry.infra.backup.programs import program
from canonry.infra.files import remove_tree, sync_file_system, sync_folder, write_atomic

type Until = datetime | str
"""A moment; a position in the WAL (`0/3000148`: what begins before it); `latest`; or `end`: the point at which rows were counted."""

_INSIDE = "restore"
_PATIENCE = 6 * 3600.0  # seconds


@dataclass(frozen=True)
class Restored:
    """A data folder. until: as was asked. timeline: on which it recovers.

    target: where recovery stops, in words; `the end` when there is no later WAL. last_commit: the newest transaction at or before the
    moment, as far as was looked. complete: False when the archive does not reach as far as the moment: the cluster wrote nothing
    afterwards, or that is not in the archive. archived_until: how far it reaches.
    """

    data: Path
    until: Until
    timeline: int
    target: str
    complete: bool
    last_commit: datetime | None
    archived_until: datetime | None


def restore(archive: Archive, backup: BaseBackup, target: Path, *, until: Until, programs: Path) -> Restored:
    """Make `target`, a folder that is not there yet, whole or not at all. backup: `base.choose` says which is right for a moment.

    Raises: NotFound `backup_missing` | `object_missing`; Conflict `backup_…` (seal.py) | `wal_gap` | `too_early`;
    Unavailable `disk_full` | `restore_failed`.
    """
    backups = base.chain(archive, backup)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_space(target.parent, backups)
    work = target.with_name(f".{target.name}.{secrets.token_hex(6)}.restoring")
    try:
        work.mkdir(mode=0o700)
        data = _combined(archive, backups, work, programs)
        inside = data / _INSIDE
        inside.mkdir(mode=0o700)
        _own_segments(archive, backup, inside)
        plan = extent.bring(archive, backup, inside, until, programs)
        _write_settings(data, plan)
        sync_file_system(data)
        data.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _failed(error) from error
    finally:
        remove_tree(work)
    return Restored(target, until, plan.timeline, plan.words, plan.complete, plan.last_commit, plan.archived_until)


def _combined(archive: Archive, backups: list[BaseBackup], work: Path, programs: Path) -> Path:
    folders = [work / f"{number:03}" for number in range(len(backups))]
    for backup, folder in zip(backups, folders, strict=True):
        _unpack(archive, backup, folder)
    if len(folders) == 1:
        return folders[0]
    data = work / "data"
    argv = [program(programs, "pg_combinebackup"), "--no-sync", "--link", "--output", str(data), *map(str, folders)]
    result = subprocess.run(argv, timeout=_PATIENCE, env={"LC_ALL": "C"})
    if result.code != 0:
        raise errors.failed("putting the incremental backups together", result.err)
    for folder in folders:
        remove_tree(folder)
    return data


def _unpack(archive: Archive, backup: BaseBackup, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    with closing(archive.get(f"{backup.folder}/data")) as pieces:
        stream = _Stream(pieces)
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as tar:  # type: ignore[call-overload]  # only `read` is used
                tar.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise errors.damaged(f"{backup.folder}/data", f"it cannot be unpacked ({error})") from error
        stream.drain()  # the last piece has its say: what was unpacked is all there is, and proven


def _own_segments(archive: Archive, backup: BaseBackup, inside: Path) -> None:
    """Put the segments there that the backup itself brings."""
    with closing(archive.get(f"{backup.folder}/wal")) as pieces:
        stream = _Stream(pieces)
        for name in backup.wal:
            with (inside / name).open("wb") as file:
                left = backup.segment_bytes
                while left and (piece := stream.read(min(left, 1 << 20))):
                    file.write(piece)
                    left -= len(piece)
            if left:
                raise errors.truncated(f"{backup.folder}/wal", f"the segment {name} is not whole")
        stream.drain()


def _write_settings(data: Path, plan: extent.Plan) -> None:
    automatic = data / "postgresql.auto.conf"
    old = automatic.read_text(encoding="utf-8") if automatic.exists() else ""
    ours = ("recovery_", "restore_command", "primary_", "archive_cleanup_command")
    kept = [line for line in old.splitlines() if line.strip() and not line.strip().startswith(ours)]
    settings = {"restore_command": f'cp "{_INSIDE}/%f" "%p"', "recovery_end_command": f"rm -rf {_INSIDE}",
                "recovery_target_action": "promote", "recovery_target_timeline": str(plan.timeline), **plan.settings}  # fmt: skip
    lines = [*kept, *(f"{name} = '{value}'" for name, value in settings.items())]
    write_atomic(automatic, "\n".join([*lines, ""]), mode=0o600, sync=False)
    for name in ("standby.signal", "backup_manifest"):
        (data / name).unlink(missing_ok=True)
    (data / "recovery.signal").touch(mode=0o600)


def _require_space(folder: Path, backups: list[BaseBackup]) -> None:
    needed = sum(backup.data_bytes for backup in backups)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable("disk_full", f"A restore needs {needed >> 20} MiB in {folder.parent}, and {free >> 20} are free.",
                          hint="Free some disk space (canonry disk), then try again.")  # fmt: skip


def _failed(error: OSError) -> Unavailable:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable("disk_full", f"The disk is full while a backup is unpacked: {error.strerror}.",
                           hint="Free some disk space (canonry disk), then try again.")  # fmt: skip
    return Unavailable("restore_failed", f"A backup cannot be unpacked: {error}.", hint="Check the disk, then try again.")


class _Stream:
    """Reads exact numbers of bytes, as a tar is read, from pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts: list[memoryview] = []
        while size:
            if not self._piece:
                self._piece = memoryview(next(self._pieces, b""))
                if not self._piece:
                    break
            part = self._piece[:size]
            parts.append(part)
            size -= len(part)
            self._piece = self._piece[len(part) :]
        return b"".join(parts)

    def drain(self) -> None:
        """Read what is left, so that its seal is checked."""
        for _ in self._pieces:
            pass
