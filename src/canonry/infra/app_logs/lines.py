"""Pages of lines from an offset on. Costs what the page costs, however long the file is."""

import errno
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from canonry.infra.app_logs.times import Times, size_at

LONGEST = 16 << 10  # bytes of one line; what is longer comes as several lines, each but the last with this mark
CUT = " …"
_CHUNK = 256 << 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line. offset: of its first byte. time: unix time at which it had been written, to about a second. text: no line end.

    begins_inside, ends_inside: it is a piece of a line that is longer than one may be; in the second case the text ends with the mark.
    """

    offset: int
    time: float
    text: str
    begins_inside: bool = False
    ends_inside: bool = False


@dataclass(frozen=True)
class Lines:
    """A page. next: where the next page begins; the same as asked for when there is nothing more yet."""

    lines: tuple[Line, ...]
    next: int


def read(path: Path, after: int, limit: int, *, ended: bool = False) -> Lines:
    """Return up to `limit` lines that begin at offset `after` or later.

    after: 0, a `next` of an earlier page, a line's offset or `offset_since(…)`. A last line that is still being written is held back
    until it ends, or `ended` says that nothing will follow. Invalid UTF-8 is replaced. A file that is not there (yet) has no lines.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Lines((), after)
    try:
        pieces, position = _pieces(descriptor, after, limit, ended=ended)
        inside = bool(pieces) and pieces[0][0] > 0 and os.pread(descriptor, 1, pieces[0][0] - 1) != b"\n"
    finally:
        os.close(descriptor)
    if not pieces:
        return Lines((), position)
    times = Times(path)
    lines: list[Line] = []
    for offset, piece in pieces:
        lines.append(Line(offset, times.of(offset), _text(piece), inside, not piece.endswith(b"\n")))
        inside = lines[-1].ends_inside
    return Lines(tuple(lines), position)


def offset_since(path: Path, since: datetime) -> int:
    """Return the offset of the first line that may have been written at `since` or later: a second too early at most."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        return next_start(descriptor, size_at(path, since.timestamp()))
    finally:
        os.close(descriptor)


def first_line(path: Path) -> int:
    """Return the offset of the first line that is kept whole; 0 as long as the head was not freed, or there is no log."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        return first_offset(descriptor)
    finally:
        os.close(descriptor)


def _pieces(descriptor: int, position: int, limit: int, *, ended: bool) -> tuple[list[tuple[int, bytes]], int]:
    """Return up to `limit` (offset, bytes with line end) and the offset behind them."""
    found: list[tuple[int, bytes]] = []
    while len(found) < limit:
        position = _skip_hole(descriptor, position)
        data = os.pread(descriptor, _CHUNK, position)
        taken = 0
        while len(found) < limit and (length := _length(data, taken)):
            found.append((position + taken, data[taken : taken + length]))
            taken += length
        if len(data) < _CHUNK and ended and len(found) < limit and taken < len(data):
            found.append((position + taken, data[taken:] + b"\n"))
            taken = len(data)
        position += taken
        if len(data) < _CHUNK:
            break
    return found, position


def _length(data: bytes, start: int) -> int:
    """Return the bytes of the line (or piece of a long one) at `start`, 0 when it has no end yet."""
    end = data.find(b"\n", start, start + LONGEST + 1)
    if end >= 0:
        return end + 1 - start
    if len(data) - start <= LONGEST:
        return 0
    cut = start + LONGEST
    for back in range(4):  # a character is never cut in two
        if data[cut - back] & 0xC0 != 0x80:
            return cut - back - start
    return LONGEST


def _text(piece: bytes) -> str:
    text = piece.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace").replace("\0", "␀")
    return text if piece.endswith(b"\n") else text + CUT


def _skip_hole(descriptor: int, position: int) -> int:
    """Return where reading goes on: behind a hole (freed space) and the rest of the line that the hole cut."""
    data = _data_from(descriptor, position)
    return data if data <= position else next_start(descriptor, data)


def _data_from(descriptor: int, position: int) -> int:
    """Return the first offset from `position` on that is not in a hole, at most the size of the file."""
    size = os.fstat(descriptor).st_size
    if position >= size:
        return size
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else position  # nothing but a hole is left; or a file system without holes


def first_offset(descriptor: int) -> int:
    """Return where the first line begins that is kept whole; 0 as long as the head was not freed."""
    return _skip_hole(descriptor, 0)


def next_start(descriptor: int, offset: int) -> int:
    """Return where the first line begins that begins at `offset` or later, at most the size of the file."""
    if offset <= 0:
        return 0
    position = offset - 1  # a line begins at `offset` when the byte before it is a line end
    while data := os.pread(descriptor, _CHUNK, position):
        end = data.find(b"\n")
        if end >= 0:
            return position + end + 1
        position = _data_from(descriptor, position + len(data))
    return os.fstat(descriptor).st_size
