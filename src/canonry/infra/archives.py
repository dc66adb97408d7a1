"""Uploaded archives (.zip, .tar.gz): unpacked so that nothing outside the target is touched and nothing grows past its limits.

The names in an archive are texts from a stranger. Every entry is checked before its first byte is written, sizes are counted while
bytes come out (headers lie), and symbolic links are made last, when no further file can be written through them. What is unpacked has
plain modes: 0755 for folders and executable files, 0644 for others; owners, times, setuid bits and extended attributes are dropped.
A single folder at the top is kept: whether that is the app's folder is for the plan to decide (`root_dir`).
"""

import errno
import gzip
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from canonry.infra.archive_readers import Entry, Kind, Parts, parse_path, read_entries, too_large, unsafe, unsupported
from canonry.infra.files import remove_tree

_CHUNK = 1 << 18
_RATIO = 200  # unpacked bytes per packed byte at most, as soon as more than `_RATIO_FROM` came out
_RATIO_FROM = 32 << 20
_STEPS = 1000  # of following one link; more is a ring
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
            ValueError, OverflowError)  # fmt: skip


def unpack(archive: Path, target: Path, *, limit_bytes: int, limit_files: int) -> None:
    """Unpack `archive` into the folder `target`, which must be empty or not exist. What it is, is told by its content.

    limit_bytes: all files together, unpacked. limit_files: entries, folders included.
    After an error there is no `target`.
    Raises: Invalid `unsupported_archive` (neither zip nor tar.gz, or damaged) or `unsafe_archive` (naming the entry);
    TooLarge `archive_too_large`.
    """
    target.mkdir(parents=True, exist_ok=True)
    try:
        entries = read_entries(archive, limit_bytes=limit_bytes, limit_files=limit_files)
        _Unpacking(target, archive.stat().st_size, limit_bytes, limit_files).run(entries)
    except _DAMAGED as error:
        remove_tree(target)
        raise _damaged(error) from error
    except OSError as error:
        remove_tree(target)
        if error.errno in {None, errno.EINVAL}:  # a place in the archive that cannot be
            raise _damaged(error) from error
        raise
    except BaseException:
        remove_tree(target)
        raise


def check(archive: Path, *, limit_bytes: int, limit_files: int) -> None:
    """Read `archive` as `unpack` would, writing nothing, so that a bad one is refused where it comes in. Raises what `unpack` raises."""
    try:
        entries = read_entries(archive, limit_bytes=limit_bytes, limit_files=limit_files)
        _Unpacking(None, archive.stat().st_size, limit_bytes, limit_files).run(entries)
    except _DAMAGED as error:
        raise _damaged(error) from error
    except OSError as error:
        if error.errno in {None, errno.EINVAL}:
            raise _damaged(error) from error
        raise


class _Unpacking:
    """One run; holds what was counted and made so far. target: None only looks."""

    def __init__(self, target: Path | None, packed: int, limit_bytes: int, limit_files: int) -> None:
        self._target = target
        self._packed = max(packed, 1)
        self._limit_bytes = limit_bytes
        self._limit_files = limit_files
        self._bytes = 0
        self._entries = 0
        self._kinds: dict[Parts, Kind] = {(): "folder"}
        self._links: dict[Parts, str] = {}

    def run(self, entries: Iterator[Entry]) -> None:
        """Write everything, links last."""
        for entry in entries:
            self._entries += 1
            if self._entries > self._limit_files:
                raise too_large(f"The archive has more than {self._limit_files} files.")
            if entry.path:  # else it is the archive's own root
                self._claim(entry)
                self._make(entry)
        for path, goal in self._links.items():
            if leads_out(path[:-1], goal, self._links):
                raise unsafe(path, f"is a link that points outside ({goal[:80]})")
        for path, goal in self._links.items() if self._target is not None else ():
            self._place(path).symlink_to(goal)

    def _place(self, path: Parts) -> Path:
        return (self._target or Path()).joinpath(*path)

    def _claim(self, entry: Entry) -> None:
        """Take the entry's name and make its folders. Raises when the name is taken, or lies in what is no folder."""
        for depth in range(1, len(entry.path)):
            folder = entry.path[:depth]
            if folder not in self._kinds:
                self._kinds[folder] = "folder"
                if self._target is not None:
                    self._place(folder).mkdir()
            elif self._kinds[folder] != "folder":
                raise unsafe(entry.path, "lies inside what is a file or a link in the same archive")
        before = self._kinds.get(entry.path)
        if before is not None and (before != entry.kind or entry.kind != "folder"):
            raise unsafe(entry.path, "is in the archive twice" if before == entry.kind else "is in the archive twice, as different things")
        self._kinds[entry.path] = entry.kind

    def _make(self, entry: Entry) -> None:
        place = self._place(entry.path)
        if entry.kind == "folder":
            if self._target is not None:
                place.mkdir(exist_ok=True)
        elif entry.kind == "link":
            self._links[entry.path] = entry.goal
        elif entry.kind == "hard link":
            goal = parse_path(entry.goal)
            if goal == entry.path or self._kinds.get(goal) not in {"file", "hard link"}:
                raise unsafe(entry.path, "is a hard link to something that is no file of the archive")
            if self._target is not None:
                os.link(self._place(goal), place, follow_symlinks=False)
        elif self._target is None:
            self._look(entry)
        else:
            self._write(entry, place)

    def _look(self, entry: Entry) -> None:
        if entry.open is not None:
            with entry.open() as content:
                while chunk := content.read(_CHUNK):
                    self._grow(len(chunk))

    def _write(self, entry: Entry, place: Path) -> None:
        if entry.open is None:
            return
        mode = 0o755 if entry.executable else 0o644
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file, entry.open() as content:
            while chunk := content.read(_CHUNK):
                self._grow(len(chunk))
                file.write(chunk)

    def _grow(self, count: int) -> None:
        self._bytes += count
        is_bomb = self._bytes > _RATIO_FROM and self._bytes > self._packed * _RATIO
        if self._bytes > self._limit_bytes or is_bomb:
            problem = "grows more than two-hundredfold" if is_bomb else f"has more than {self._limit_bytes >> 20} MiB"
            raise too_large(f"Unpacked, the archive {problem}.")


def leads_out(folder: Parts, goal: str, links: Mapping[Parts, str]) -> bool:
    """Say whether a link in `folder` that points at `goal` leaves the tree at any step, other links on the way included."""
    here = list(folder)
    waiting = goal.split("/")[::-1]
    if goal.startswith("/"):
        return True
    for _ in range(_STEPS):
        if not waiting:
            return False
        name = waiting.pop()
        if name == "..":
            if not here:
                return True
            here.pop()
        elif name not in {"", "."}:
            here.append(name)
            through = links.get(tuple(here))
            if through is not None:
                if through.startswith("/"):
                    return True
                here.pop()
                waiting += through.split("/")[::-1]
    return True


def _damaged(error: Exception) -> Exception:
    return unsupported(f"The archive is damaged or of a kind that is not supported ({str(error)[:100] or type(error).__name__}).")
