"""Copies a folder while somebody writes to it, each file whole: a program of its own, for it runs in a sandbox (`features/volumes`).

    python calm_copy.py FROM TO        one JSON line at the end: {"files": 3, "bytes": 4096, "restless": ["log.txt"]}

A SQLite database is copied by SQLite itself, so what it shows is one moment, its write-ahead log included. Any other file is copied
again when it was changed while it was copied; after some tries it is taken as it is and named under `restless`. Links stay links,
pipes, sockets and devices are left out. Standard library only.
"""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

_TRIES = 5
_PAUSE = 0.05
_SQLITE = b"SQLite format 3\0"
_BESIDE = ("-wal", "-shm", "-journal")
_BUSY_SECONDS = 5.0
_CLONE = 0x40049409  # FICLONE: share the blocks, where the file system can


@dataclass
class Report:
    """What was copied. restless: files that changed each time they were copied, relative."""

    files: int = 0
    bytes: int = 0
    restless: list[str] = field(default_factory=list)


def copy_tree(source: Path, target: Path) -> Report:
    """Copy all of `source` into the folder `target`; what vanishes meanwhile is left out."""
    report = Report()
    for place, folders, names in os.walk(source):
        here = Path(place)
        there = target / here.relative_to(source)
        with contextlib.suppress(OSError):
            shutil.copystat(here, there)
        there.chmod(there.stat().st_mode | 0o700)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (name for name in folders if name not in links):
            (there / name).mkdir(mode=0o700, exist_ok=True)
        databases = {name for name in names if _is_database(here / name)}
        copied = {name for name in sorted(databases) if _copy_database(here / name, there / name, report)}
        beside = {name + end for name in copied for end in _BESIDE}
        for name in sorted({*links, *names} - copied - beside):
            _copy_one(here / name, there / name, str((here / name).relative_to(source)), report)
    return report


def _copy_one(source: Path, target: Path, name: str, report: Report) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            before = source.lstat()
            if stat.S_ISLNK(before.st_mode):
                target.symlink_to(source.readlink())
            elif stat.S_ISREG(before.st_mode):
                _copy_bytes(source, target)
                shutil.copystat(source, target)
            else:
                return
            after = source.lstat()
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            return
        if _mark(before) == _mark(after):
            break
        if attempt == _TRIES:
            report.restless.append(name)
            break
        target.unlink(missing_ok=True)
        time.sleep(_PAUSE * attempt)
    report.files += 1
    report.bytes += before.st_size


def _copy_bytes(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written.fileno(), _CLONE, read.fileno())
        except OSError:
            shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _is_database(path: Path) -> bool:
    """Say whether it begins as a database does and has a first page: beside one that has none, SQLite would delete the log."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return False
        with path.open("rb") as file:
            head = file.read(len(_SQLITE) + 2)
    except OSError:
        return False
    page = int.from_bytes(head[len(_SQLITE) :]) if head.startswith(_SQLITE) else 0
    return page > 0 and status.st_size >= (page if page > 1 else 1 << 16)


def _copy_database(source: Path, target: Path, report: Report) -> bool:
    """Copy a database as of one moment; say whether that worked, else it is copied as any file is, with what lies beside it.

    Read-only: it is not ours to roll back or to tidy up after an app that was killed.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as read,
            contextlib.closing(sqlite3.connect(target)) as written,
        ):
            read.backup(written)
        shutil.copystat(source, target)
    except (sqlite3.Error, OSError):
        target.unlink(missing_ok=True)
        return False
    report.files += 1
    report.bytes += target.stat().st_size
    return True


def _mark(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, stat.S_IFMT(status.st_mode)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vars(copy_tree(Path(sys.argv[1]), Path(sys.argv[2])))) + "\n")
