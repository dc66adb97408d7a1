"""Which part of a log was written when: `<log>.times`, pairs of (size, unix time in ms), one a second at most.

A pair says: by then the log had this size. So a line was written before the first pair that lies behind it, and after the one before.
"""

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from canonry.infra.files import write_atomic

_PAIR = struct.Struct("<QQ")
_EVERY = 1.0


class TimeIndex:
    """Writes the index. One object per home at a time; `note` is called about once a second for every running instance."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._noted: dict[Path, tuple[int, float]] = {}

    def note(self, path: Path) -> None:
        """Write down how long the log is by now. Costs one look at the file when nothing was written."""
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            self._noted.pop(path, None)
            return
        now = self._clock()
        known, noted = self._noted.get(path) or _last(path)
        if size > known and not 0 <= now - noted < _EVERY:
            descriptor = os.open(times_path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(descriptor, _PAIR.pack(size, int(now * 1000))) < _PAIR.size:  # the disk is full: no half a pair
                    os.ftruncate(descriptor, os.fstat(descriptor).st_size // _PAIR.size * _PAIR.size)
            finally:
                os.close(descriptor)
            known, noted = size, now
        self._noted[path] = known, noted


class Times:
    """Reads the index of one log. Takes a copy of what is there now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pairs = _Pairs(path)
        self._at = -1
        self._now: tuple[int, float] = (0, 0.0)  # up to which offset, which time

    def of(self, offset: int) -> float:
        """Return when the byte at `offset` had been written; quick for offsets that ascend."""
        if not 0 <= self._at <= offset < self._now[0]:
            self._now = self._pairs.first_behind(offset) or (1 << 63, self._last_write())
            self._at = offset
        return self._now[1]

    def _last_write(self) -> float:
        try:
            return self._path.stat().st_mtime
        except FileNotFoundError:
            return time.time()


class _Pairs:
    def __init__(self, path: Path) -> None:
        self._data: mmap.mmap | bytes = b""
        with contextlib.suppress(FileNotFoundError, ValueError), times_path(path).open("rb") as file:  # ValueError: an empty file
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._data) // _PAIR.size

    def __getitem__(self, index: int) -> tuple[int, float]:
        size, milliseconds = _PAIR.unpack_from(self._data, index * _PAIR.size)
        return size, milliseconds / 1000

    def first(self, is_behind: Callable[[int, float], bool]) -> int:
        """Return the index of the first pair for which `is_behind` holds (it holds for all after it too)."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if is_behind(*self[middle]):
                high = middle
            else:
                low = middle + 1
        return low

    def first_behind(self, offset: int) -> tuple[int, float] | None:
        index = self.first(lambda size, _: size > offset)
        return self[index] if index < len(self) else None


def time_at(path: Path, offset: int) -> float:
    """Return the unix time by which the byte at `offset` had been written, the time of the last write for what is not written yet."""
    return Times(path).of(offset)


def size_at(path: Path, moment: float) -> int:
    """Return how long the log was for certain at that unix time; 0 when nobody knows."""
    pairs = _Pairs(path)
    index = pairs.first(lambda _, noted: noted > moment)
    return pairs[index - 1][0] if index else 0


def forget_before(path: Path, offset: int) -> None:
    """Drop the pairs of what lies before `offset`, which is a hole by now."""
    pairs = _Pairs(path)
    index = pairs.first(lambda size, _: size > offset)
    if index > 1:
        kept = b"".join(_PAIR.pack(size, int(noted * 1000)) for size, noted in (pairs[at] for at in range(index - 1, len(pairs))))
        write_atomic(times_path(path), kept, mode=0o600, sync=False)


def times_path(path: Path) -> Path:
    """Where the index of a log lies."""
    return path.with_name(f"{path.name}.times")


def _last(path: Path) -> tuple[int, float]:
    pairs = _Pairs(path)
    return pairs[len(pairs) - 1] if len(pairs) else (0, 0.0)
