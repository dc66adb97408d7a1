"""Reads a source that somebody else wrote: bounded, never through a link that leaves it, never a pipe or a device."""

import itertools
import json
import os
import stat
import tomllib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import cast

from canonry.adapters.builder.native.plan.problems import invalid_config

CONFIG_BYTES = 1024 * 1024
LOCK_BYTES = 32 * 1024 * 1024
_FOLDER_ENTRIES = 2_000
_WALK_FILES = 3_000
_WALK_FOLDERS = 400
_NEVER_ENTERED = frozenset({"node_modules", "__pycache__", "venv", "env", "site-packages", "vendor", "target"})

type Table = dict[str, object]


@dataclass(frozen=True)
class SourceTree:
    """A folder of a source. Paths given and returned are relative to it, with `/`.

    top: the whole source; nothing outside it is read. prefix: this folder within it, `.` for itself.
    """

    top: Path
    prefix: str = "."

    def at(self, folder: str) -> "SourceTree":
        """Return the same source seen from a folder of this one (which need not exist)."""
        return SourceTree(self.top, join(self.prefix, folder))

    def parents_of(self, inner: "SourceTree") -> Iterator["SourceTree"]:
        """Yield the folders above `inner`, nearest first, this one last."""
        folder = PurePosixPath(inner.prefix)
        while str(folder) != self.prefix:
            folder = folder.parent
            yield SourceTree(self.top, str(folder))

    def is_file(self, path: str) -> bool:
        """Say whether a regular file is there, within the source."""
        found = self._inside(path)
        return found is not None and stat.S_ISREG(found.stat().st_mode)

    def is_folder(self, path: str) -> bool:
        """Say whether a folder is there, within the source."""
        found = self._inside(path)
        return found is not None and found.is_dir()

    def first_file(self, *paths: str) -> str | None:
        """Return the first of the paths that is a file."""
        return next((path for path in paths if self.is_file(path)), None)

    def names(self, folder: str = ".") -> list[str]:
        """Return the sorted names in a folder (at most 2,000); empty when there is no such folder."""
        return [name for name, _ in self._entries(folder)]

    def walk(self, suffix: str, depth: int) -> Iterator[str]:
        """Yield files with this suffix, shallow ones first; bounded, and without hidden, vendored and linked folders."""
        queue = deque([(".", 0)])
        files = folders = 0
        while queue and folders < _WALK_FOLDERS:
            folder, level = queue.popleft()
            folders += 1
            for name, kind in self._entries(folder):
                path = join(folder, name)
                if kind == "folder":
                    if level < depth and not name.startswith(".") and name not in _NEVER_ENTERED:
                        queue.append((path, level + 1))
                elif name.endswith(suffix) and (kind == "file" or self.is_file(path)):
                    files += 1
                    if files > _WALK_FILES:
                        return
                    yield path

    def text(self, path: str, *, limit: int = CONFIG_BYTES) -> str:
        """Return a file that matters, as text without a byte order mark; empty when it is not there.

        Raises: Invalid `invalid_config` when it is larger than `limit` bytes or not UTF-8.
        """
        data = self._read(path, limit + 1)
        if len(data) > limit:
            raise invalid_config(self.shown(path), f"is larger than {limit // 1024} KiB", "Make it smaller; it is read to plan the build.")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise invalid_config(self.shown(path), f"is not UTF-8 text (byte {error.start})", "Save it as UTF-8.") from error

    def glance(self, path: str, *, limit: int = 256 * 1024) -> str:
        """Return the beginning of a file that is only a clue, undecodable bytes replaced; empty when there is none."""
        return self._read(path, limit).decode("utf-8", "replace")

    def json(self, path: str, *, limit: int = CONFIG_BYTES) -> Table:
        """Return the object in a JSON file; empty when there is no file. Raises: Invalid `invalid_config` with line and column."""
        return self._parse(path, limit, json.loads, "JSON")

    def toml(self, path: str, *, limit: int = CONFIG_BYTES) -> Table:
        """Return the table in a TOML file; empty when there is no file. Raises: Invalid `invalid_config` with line and column."""
        return self._parse(path, limit, tomllib.loads, "TOML")

    def shown(self, path: str) -> str:
        """Return the path as people know it: from the top of the source."""
        return join(self.prefix, path)

    def _parse(self, path: str, limit: int, parser: Callable[[str], object], language: str) -> Table:
        if not self.is_file(path):
            return {}
        text = self.text(path, limit=limit)
        try:
            value = parser(text)
        except RecursionError as error:
            raise invalid_config(
                self.shown(path), "is nested too deeply to be read", f"Is it really the {language} file it should be?"
            ) from error
        except ValueError as error:
            raise invalid_config(self.shown(path), f"is not {language}: {error}", "Correct that place.") from error
        if not isinstance(value, dict):
            raise invalid_config(self.shown(path), f"is {language}, but not a table of keys", "Its outermost value must be one.")
        return cast("Table", value)

    def _read(self, path: str, limit: int) -> bytes:
        found = self._inside(path)
        if found is None:
            return b""
        try:
            # O_NONBLOCK: a pipe that took the file's place between the look and the opening must not hang the planner.
            descriptor = os.open(found, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        except OSError:
            return b""

    @cached_property
    def _top(self) -> Path:
        return self.top.resolve()

    def _inside(self, path: str) -> Path | None:
        """Return the real place of a path, None when it is missing, unreadable or outside the source."""
        try:
            real = (self._top / self.prefix / path).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        return real if real.is_relative_to(self._top) else None

    def _entries(self, folder: str) -> list[tuple[str, str]]:
        """Return (name, file | folder | other) for what is in a folder, sorted; a link is `other`, whatever it leads to."""
        found = self._inside(folder)
        entries: list[tuple[str, str]] = []
        try:
            with os.scandir(found or "") as listing:
                for entry in itertools.islice(listing, _FOLDER_ENTRIES):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    kind = "folder" if is_folder else "file" if entry.is_file(follow_symlinks=False) else "other"
                    entries.append((_printable(entry.name), kind))
        except OSError:
            return []
        return sorted(entries)


def join(*parts: str) -> str:
    """Join relative paths the plain way: `.` for nothing, no `./` in front."""
    return str(PurePosixPath(*parts))


def relative(path: str, base: str) -> str:
    """Return a folder of the source as seen from another one that contains it."""
    return str(PurePosixPath(path).relative_to(PurePosixPath(base)))


def table(value: object) -> Table:
    """Return the value when it is a table of a parsed file, else an empty one: for files of others whose shape nobody promised."""
    return cast("Table", value) if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """Return the strings in a list of a parsed file."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text_or_none(value: object) -> str | None:
    """Return the value when it is a string with something in it."""
    return value.strip() or None if isinstance(value, str) else None


def _printable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
