"""What an archive holds, entry by entry, as checked values: the two formats (.zip, .tar.gz) behind one door.

Nothing here writes. Sizes in headers are believed only to refuse; how much comes out is for the caller to count.
"""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from canonry.core.errors import Invalid, TooLarge

_LONGEST_NAME = 255  # bytes of one name, what every Linux file system takes
_LONGEST_PATH = 2048
_LONGEST_LINK = 1024
_LARGEST_HEADER = 1 << 20  # bytes of a tar header's extension; tarfile reads it into memory whole
_PER_ENTRY = 4096  # bytes of headers and padding that an entry may need beside its content
_UNIX = 3

type Kind = Literal["folder", "file", "link", "hard link"]
type Parts = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One entry. path: empty for the archive's root. open: gives its bytes (files). goal: where a link points, as written."""

    path: Parts
    kind: Kind
    executable: bool = False
    goal: str = ""
    open: Callable[[], IO[bytes]] | None = None


def read_entries(archive: Path, *, limit_bytes: int, limit_files: int) -> Iterator[Entry]:
    """Return the entries, in the archive's order; each one must be read before the next is asked for.

    Raises: Invalid `unsupported_archive` at once, or while iterating `unsafe_archive`; TooLarge `archive_too_large`; and the errors of
    zipfile, tarfile, gzip and zlib for damaged archives.
    """
    with archive.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        return _read_tar(archive, limit_bytes + limit_files * _PER_ENTRY)
    if start in {b"PK\x03\x04", b"PK\x05\x06"}:
        _check_directory(archive, limit_files)
        return _read_zip(archive)
    raise unsupported("The upload is neither a .zip nor a .tar.gz archive.")


def parse_path(name: str) -> Parts:
    """Return the parts of an entry's name. Raises: Invalid `unsafe_archive`."""
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if name.startswith("/"):
        raise unsafe(parts, "is an absolute path")
    if ".." in parts:
        raise unsafe(parts, "has `..` in its path")
    if "\0" in name or not _is_utf8(name):
        raise unsafe(parts, "has a name that is not UTF-8 text")
    encoded = [len(part.encode()) for part in parts]
    if any(length > _LONGEST_NAME for length in encoded) or sum(encoded) + len(encoded) > _LONGEST_PATH:
        raise unsafe(parts, "has a name that is too long")
    return parts


def unsafe(path: Parts, problem: str) -> Invalid:
    """Return the error for an entry that could do harm."""
    shown = "/".join(path).encode(errors="backslashreplace").decode()[:120].replace("\0", "\\0")
    return Invalid(
        "unsafe_archive", f"The entry {shown!r} of the archive {problem}.", hint="Pack only files, folders and links within the project."
    )


def unsupported(message: str) -> Invalid:
    """Return the error for bytes that are no archive of ours."""
    return Invalid("unsupported_archive", message, hint="Upload a .zip or a .tar.gz of the project's folder.")


def too_large(message: str) -> TooLarge:
    """Return the error for an archive over its limits."""
    return TooLarge("archive_too_large", message,
                    hint="Leave out what the build makes itself (node_modules, dist, .venv); .canonryignore does that.")  # fmt: skip


class _CountedGzip(io.RawIOBase):
    """The unpacked tar stream, ended by an error when more comes out than files of the allowed size can need."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        self._file = file
        self._left = limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise too_large("Unpacked, the archive is over the limit.")
        return data


class _TarInfo(tarfile.TarInfo):
    """A header that is refused when its extension (a long name, extended attributes) is as large as only an attack makes it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        extensions = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
        if info.type in extensions and not 0 <= info.size <= _LARGEST_HEADER:
            raise unsupported("The archive has a header of more than 1 MiB.")
        return info


def _read_tar(archive: Path, limit: int) -> Iterator[Entry]:
    with gzip.open(archive) as packed:
        stream = _CountedGzip(packed, limit)
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape", tarinfo=_TarInfo) as tar:
            for member in tar:
                yield _tar_entry(tar, member)
        while stream.read(1 << 16):  # the padding; reading to the end also checks gzip's checksum
            pass


def _tar_entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    path = parse_path(member.name)
    if member.isdir():
        return Entry(path, "folder")
    if member.isfile():
        return Entry(path, "file", bool(member.mode & 0o111), open=lambda: _open_member(tar, member))
    if member.issym():
        return Entry(path, "link", goal=_parse_goal(path, member.linkname))
    if member.islnk():
        return Entry(path, "hard link", goal=_parse_goal(path, member.linkname))
    raise unsafe(path, "is a device, a pipe or another thing that is no file, folder or link")


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise unsafe(parse_path(member.name), "has no content")
    return content


def _check_directory(archive: Path, limit_files: int) -> None:
    """Refuse a zip whose list of entries is longer than allowed before zipfile reads it into memory."""
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - (1 << 16) - 22, 0))
        tail = file.read()
    last = tail[-22:]
    place = len(tail) - 22 if last[:4] == b"PK\x05\x06" and last[-2:] == b"\0\0" else tail.rfind(b"PK\x05\x06")
    if place < 0 or place + 22 > len(tail):
        raise unsupported("The .zip archive is damaged: it has no directory at its end.")
    length = struct.unpack_from("<L", tail, place + 12)[0]
    wide = tail.rfind(b"PK\x06\x06", 0, place)
    if wide >= 0 and wide + 56 <= len(tail):
        length = max(length if length != 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, wide + 40)[0])
    if length > size:
        raise unsupported("The .zip archive is damaged: its directory is longer than the archive.")
    if length > limit_files * _PER_ENTRY:
        raise too_large(f"The archive has more than {limit_files} files.")


def _read_zip(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as package:
        for info in package.infolist():
            yield _zip_entry(package, info)


def _zip_entry(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name = _zip_name(info)
    path = parse_path(name)
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(mode)
    if info.flag_bits & 1:
        raise unsafe(path, "is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise unsupported(f"The .zip archive uses a compression method ({info.compress_type}) other than deflate.")
    if name.endswith("/") or kind == stat.S_IFDIR:
        return Entry(path, "folder")
    if kind == stat.S_IFLNK:
        with package.open(info) as content:
            return Entry(path, "link", goal=_parse_goal(path, os.fsdecode(content.read(_LONGEST_LINK + 1))))
    if kind in {0, stat.S_IFREG}:
        return Entry(path, "file", bool(mode & 0o111), open=lambda: package.open(info))
    raise unsafe(path, "is a device, a pipe or another thing that is no file, folder or link")


def _zip_name(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    if not info.flag_bits & 0x800:  # not declared as UTF-8; most programs write it all the same
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.orig_filename
    return name.replace("\\", "/") if info.create_system != _UNIX else name


def _parse_goal(path: Parts, goal: str) -> str:
    if not goal or "\0" in goal or len(goal) > _LONGEST_LINK or not _is_utf8(goal):
        raise unsafe(path, "is a link whose target is no path")
    return goal


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
