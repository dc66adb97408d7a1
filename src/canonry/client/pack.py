"""A folder becomes a `.tar.gz`: what is left out, what a link may point to, and the same bytes for the same files."""

import os
import stat
import tarfile
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from canonry.client.ignore import IgnoreFile
from canonry.core.errors import Invalid, NotFound

NEVER_PACKED = frozenset({b".git", b".canonry"})
LEFT_OUT = frozenset({b"__pycache__", b".venv", b"node_modules", b".DS_Store"})
"""Left out unless `.canonryignore` takes them back in (`!node_modules/`). So is any folder that holds a `pyvenv.cfg`."""

_IN_MEMORY = 8 * 1024 * 1024


@dataclass
class Archive:
    """A packed folder, to be closed after use (`with`).

    file: the archive, readable and seekable; size: its bytes; warnings: sentences about what was left out, or is better left out.
    """

    file: IO[bytes]
    size: int
    entries: int
    warnings: list[str]
    _bytes: Counter[str] = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def largest(self) -> str:
        """Name the three largest things in the folder, for when the archive is too large."""
        return ", ".join(f"{name} ({size / 1e6:.1f} MB)" for name, size in self._bytes.most_common(3))


def pack(folder: Path) -> Archive:
    """Pack what belongs to a deploy of `folder`.

    `.gitignore` files count as in git; `.canonryignore` (same syntax, same nesting) wins over them. Links stay links when they point
    to something inside the folder. Links that lead outside, sockets, pipes and devices are left out with a warning.
    Raises: NotFound `folder_not_found`, Invalid `not_a_folder`, `folder_empty`, `file_not_readable`.
    """
    _check(folder)
    root = os.path.realpath(os.fsencode(folder))
    packer = _Packer(root)
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- the archive hands it out
    try:
        size = packer.write(file)
        if packer.entries == 0:
            raise Invalid("folder_empty", f"There is nothing to deploy in {folder}.",
                          hint="Put files there, or look at what .gitignore and .canonryignore leave out.")  # fmt: skip
    except BaseException:
        file.close()
        raise
    return Archive(file, size, packer.entries, packer.warnings, packer.bytes)


def list_paths(folder: Path) -> list[str]:
    """Return the paths of the files and links that `pack` considers, relative to `folder`, in the archive's order."""
    root = os.path.realpath(os.fsencode(folder))
    return [os.fsdecode(entry.path) for entry in _walk(root, b"", ()) if not entry.is_folder]


@dataclass(frozen=True)
class _Entry:
    path: bytes  # relative to the root
    is_folder: bool
    status: os.stat_result


@dataclass(frozen=True)
class _Rules:
    """The ignore files of one folder; base is its path with a slash at the end (the root: nothing)."""

    base: bytes
    ours: IgnoreFile | None
    git: IgnoreFile | None


def _check(folder: Path) -> None:
    if not folder.exists():
        raise NotFound("folder_not_found", f"There is no folder {folder}.", hint="Name the folder of the app: canonry deploy PATH.")
    if not folder.is_dir():
        raise Invalid("not_a_folder", f"{folder} is not a folder.", hint="Name the folder of the app: canonry deploy PATH.")


def _walk(root: bytes, base: bytes, rules: tuple[_Rules, ...]) -> Iterator[_Entry]:
    folder = os.path.join(root, base)  # noqa: PTH118 -- bytes, because names need not be text
    try:
        with os.scandir(folder) as scan:
            found = sorted(scan, key=lambda item: item.name)
        names = {item.name for item in found}
        own = _Rules(base, _read_rules(folder, b".canonryignore", names), _read_rules(folder, b".gitignore", names))
        rules = (*rules, own) if own.ours or own.git else rules
        for item in found:
            is_folder = item.is_dir(follow_symlinks=False)
            path = base + item.name
            if _is_left_out(root, path, rules, is_folder=is_folder):
                continue
            yield _Entry(path, is_folder, item.stat(follow_symlinks=False))
            if is_folder:
                yield from _walk(root, path + b"/", rules)
    except OSError as error:
        raise _unreadable(os.fsdecode(error.filename or folder).rstrip("/"), error) from error


def _read_rules(folder: bytes, name: bytes, names: set[bytes]) -> IgnoreFile | None:
    source = folder + b"/" + name
    if name not in names or not stat.S_ISREG(os.lstat(source).st_mode):
        return None  # git, too, does not follow a link here
    with open(source, "rb") as file:  # noqa: PTH123 -- a path in bytes
        return IgnoreFile(file.read())


def _is_left_out(root: bytes, path: bytes, rules: tuple[_Rules, ...], *, is_folder: bool) -> bool:
    name = path[path.rfind(b"/") + 1 :]
    if name in NEVER_PACKED:
        return True
    decided = _decide(path, [(level.base, level.ours) for level in rules], is_folder=is_folder)
    if decided is not None:
        return decided
    if name in LEFT_OUT or (is_folder and os.path.lexists(root + b"/" + path + b"/pyvenv.cfg")):
        return True
    return _decide(path, [(level.base, level.git) for level in rules], is_folder=is_folder) or False


def _decide(path: bytes, levels: list[tuple[bytes, IgnoreFile | None]], *, is_folder: bool) -> bool | None:
    for base, rules in reversed(levels):
        decided = rules.decide(path[len(base) :], is_folder=is_folder) if rules else None
        if decided is not None:
            return decided
    return None


class _Packer:
    def __init__(self, root: bytes) -> None:
        self._root = root
        self.entries = 0
        self.warnings: list[str] = []
        self.bytes: Counter[str] = Counter()

    def write(self, file: IO[bytes]) -> int:
        """Write the archive into `file`, go back to its start, return its size in bytes."""
        sink = _Gzip(file)
        with tarfile.TarFile(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[arg-type]
            for entry in _walk(self._root, b"", ()):
                self._add(tar, entry)
        size = sink.finish()
        file.seek(0)
        return size

    def _add(self, tar: tarfile.TarFile, entry: _Entry) -> None:
        """Write one entry: owner and permissions are evened out, the time stays (web servers make validators of it)."""
        info = tarfile.TarInfo(os.fsdecode(entry.path))
        info.mtime = int(entry.status.st_mtime)
        mode = entry.status.st_mode
        if stat.S_ISDIR(mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        elif stat.S_ISLNK(mode):
            target = self._link_target(entry.path)
            if target is None:
                self._warn(entry.path, "it is a link that leads out of the folder")
                return
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, os.fsdecode(target)
            tar.addfile(info)
            self.entries += 1
        elif stat.S_ISREG(mode):
            info.mode = 0o755 if mode & 0o111 else 0o644
            if info.name.rpartition("/")[2] == ".env":
                self.warnings.append(
                    f"{info.name} goes along with the source. Name it in .gitignore, and see: canonry env import {info.name}"
                )
            self._add_file(tar, info, entry.path)
            self.entries += 1
        else:
            self._warn(entry.path, "it is not a file (a socket, pipe or device)")

    def _add_file(self, tar: tarfile.TarFile, info: tarfile.TarInfo, path: bytes) -> None:
        source = self._root + b"/" + path
        try:
            with open(source, "rb") as file:  # noqa: PTH123 -- a path in bytes
                info.size = os.fstat(file.fileno()).st_size
                tar.addfile(info, file)
        except OSError as error:
            raise _unreadable(info.name, error) from error
        self.bytes[info.name.partition("/")[0]] += info.size

    def _link_target(self, path: bytes) -> bytes | None:
        place = os.path.dirname(self._root + b"/" + path)  # noqa: PTH120 -- bytes
        target = os.readlink(self._root + b"/" + path)  # noqa: PTH115 -- bytes
        if target.startswith(b"/"):
            if not self._is_inside(target):
                return None
            target = os.path.relpath(target, place)
        reached = os.path.normpath(place + b"/" + target)
        return target if self._is_inside(reached) and self._is_inside(os.path.realpath(reached)) else None

    def _is_inside(self, path: bytes) -> bool:
        return path == self._root or path.startswith(self._root.rstrip(b"/") + b"/")

    def _warn(self, path: bytes, why: str) -> None:
        self.warnings.append(f"{os.fsdecode(path)} is left out: {why}.")


class _Gzip:
    """A sink that compresses what is written to it. Level 1, because a deploy is waited for; no time in the head."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._compress = zlib.compressobj(1, zlib.DEFLATED, 31)
        self._position = 0

    def write(self, data: bytes) -> int:
        self._position += len(data)
        self._file.write(self._compress.compress(data))
        return len(data)

    def tell(self) -> int:
        return self._position

    def finish(self) -> int:
        """End the stream and return how many bytes it has."""
        self._file.write(self._compress.flush())
        return self._file.tell()


def _unreadable(name: str, error: OSError) -> Invalid:
    return Invalid("file_not_readable", f"{name} cannot be read: {error.strerror or error}.",
                   hint="Make it readable, or name it in .canonryignore.")  # fmt: skip
