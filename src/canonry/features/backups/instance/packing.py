"""Files and folders as a stream of tar, without a copy on the disk; and back."""

import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from canonry.infra.backup import errors

_PIECE = 1 << 20


def digest(root: Path, paths: Iterable[str]) -> str:
    """Return what changes when a file of these changes: names, sizes, times, modes."""
    found = sha256()
    for path in _walk(root, paths):
        status = path.lstat()
        where = os.fsencode(path.relative_to(root))
        changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
        found.update(b"%s\0%d\0%d\0%d\n" % (where, status.st_mode, status.st_size if not stat.S_ISDIR(status.st_mode) else 0, changed))
    return found.hexdigest()[:32]


def pack(root: Path, paths: Iterable[str]) -> Iterator[bytes]:
    """Yield a tar of these files and folders, named relative to `root`. What is no file, folder or link is left out.

    A file that grows meanwhile is packed as long as it was; one that was cut is filled up with zeros.
    """
    with tarfile.TarFile(fileobj=io.BytesIO(), mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in _walk(root, paths):
            try:
                info = tar.gettarinfo(path, arcname=os.fspath(path.relative_to(root)))
            except FileNotFoundError:  # removed meanwhile
                continue
            if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
                continue
            try:
                file = path.open("rb") if info.isreg() else None
            except FileNotFoundError:
                continue
            yield info.tobuf(tarfile.PAX_FORMAT, tar.encoding or "utf-8", "surrogateescape")
            if file is not None:
                with file:
                    yield from _content(file, info.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def unpack(chunks: Iterator[bytes], root: Path, name: str) -> None:
    """Write what `pack` packed below `root`. Raises: Conflict `backup_damaged`, and what `chunks` raises; OSError."""
    stream = _Stream(chunks)
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE) as tar:  # type: ignore[call-overload]  # only `read` is used
            tar.extractall(root, filter="tar")
    except tarfile.TarError as error:
        raise errors.damaged(name, f"it cannot be unpacked ({error})") from error
    for _ in chunks:  # the last piece has its say: only then is all of it proven
        pass


def _walk(root: Path, paths: Iterable[str]) -> Iterator[Path]:
    for name in sorted(paths):
        top = root / name
        if not os.path.lexists(top):
            continue
        yield top
        if top.is_dir() and not top.is_symlink():
            for folder, folders, files in top.walk():
                folders.sort()
                yield from (folder / entry for entry in sorted([*folders, *files]))


def _content(file: io.BufferedReader, size: int) -> Iterator[bytes]:
    left = size
    while left and (piece := file.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece
    while left:
        piece = bytes(min(_PIECE, left))
        left -= len(piece)
        yield piece
    if size % tarfile.BLOCKSIZE:
        yield bytes(-size % tarfile.BLOCKSIZE)


class _Stream:
    """Reads exact numbers of bytes from pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts, wanted = [], size
        while wanted:
            if not self._rest:
                self._rest = next(self._pieces, b"")
                if not self._rest:
                    break
            parts.append(self._rest[:wanted])
            self._rest = self._rest[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)
