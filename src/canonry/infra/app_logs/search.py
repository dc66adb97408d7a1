"""Finding lines in a log of any size, forwards or backwards, with bounded work.

A block of the file in which the word does not occur, in any letter case, is passed over without being cut into lines. What is found is
asked again as a line: the caller decides by the text that will be shown.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from canonry.infra.app_logs.lines import Line, first_offset, next_start, read

type Accepts = Callable[[Line], bool]

_BLOCK = 64 << 10
_LINES = 500
_WORD = re.compile(r"[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]|[\x21-\x7e]")


@dataclass(frozen=True)
class Found:
    """Lines in the order of the file.

    All that was looked at lies from `start` to before `end`, where a line begins, too. is_all: nothing is left in that direction.
    """

    lines: tuple[Line, ...]
    start: int
    end: int
    is_all: bool


def find_on(path: Path, after: int, word: str, accepts: Accepts, *, limit: int, most: int, ended: bool) -> Found:
    """Return up to `limit` lines with `word` that begin at `after` or later, having looked at `most` bytes or a block more."""
    with _Blocks(path, word) as blocks:
        position = max(after, blocks.first)
        begun, found = position, list[Line]()
        while position - begun < most:
            data = blocks.at(position, _BLOCK)
            last = data.rfind(b"\n") + 1
            if last and not blocks.may_have(data[:last]):
                position += last
                continue
            stop = position + (last or _BLOCK)
            here, following = _accepted(path, position, stop, accepts, ended=ended)
            if len(found) + len(here) > limit:
                return Found(tuple((found + here)[:limit]), begun, here[limit - len(found)].offset, is_all=False)
            found += here
            if following == position:
                return Found(tuple(found), begun, position, is_all=True)
            position = following
        return Found(tuple(found), begun, position, is_all=False)


def find_back(path: Path, before: int | None, word: str, accepts: Accepts, *, limit: int, most: int, ended: bool) -> Found:
    """Return the last `limit` lines with `word` that begin before the offset `before` (None: the end of the log)."""
    with _Blocks(path, word) as blocks:
        stop = min(before, blocks.size) if before is not None else blocks.end_of_lines(ended=ended)
        begun, found = stop, list[Line]()
        while blocks.first < stop and begun - stop < most:
            start = blocks.line_start_before(stop)
            if blocks.may_have(blocks.at(start, stop - start)):
                found = _accepted(path, start, stop, accepts, ended=ended)[0] + found
                if len(found) > limit or (len(found) == limit and start > blocks.first):
                    return Found(tuple(found[-limit:]), found[-limit].offset, begun, is_all=False)
            stop = start
        return Found(tuple(found), stop, begun, is_all=stop <= blocks.first)


def end_of_lines(path: Path) -> int:
    """Return the offset behind the last line that has an end: where one goes on that has read everything."""
    with _Blocks(path, "") as blocks:
        return blocks.end_of_lines(ended=False)


class _Blocks:
    """The bytes of a log, and whether a word may be in them."""

    def __init__(self, path: Path, word: str) -> None:
        self._path = path
        self._descriptor = -1
        # Only letters of ASCII are the same in either case as bytes; a word with others is looked for by its longest part without them.
        self._needle = max(_WORD.findall(word), key=len, default="").lower().encode()

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            self.size = self.first = 0
        else:
            self.size, self.first = os.fstat(self._descriptor).st_size, first_offset(self._descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def at(self, position: int, length: int) -> bytes:
        """Return the bytes there."""
        return os.pread(self._descriptor, length, position) if self._descriptor >= 0 else b""

    def may_have(self, data: bytes) -> bool:
        """Say whether the word may be in there."""
        return not self._needle or self._needle in data.lower()

    def end_of_lines(self, *, ended: bool) -> int:
        """Return the offset behind the last line that has an end."""
        return _accepted(self._path, self.line_start_before(self.size), self.size, lambda _: False, ended=ended)[1]

    def line_start_before(self, stop: int) -> int:
        """Return the start of a line about a block before `stop`; of the line itself when it is longer than that."""
        length = _BLOCK
        while (guess := stop - length) > self.first:
            start = next_start(self._descriptor, guess)
            if start < stop:
                return start
            length *= 2
        return self.first


def _accepted(path: Path, position: int, stop: int, accepts: Accepts, *, ended: bool) -> tuple[list[Line], int]:
    """Return what is accepted of the lines that begin from `position` to before `stop`, and where the line behind them begins."""
    found: list[Line] = []
    while position < stop:
        page = read(path, position, _LINES, ended=ended)
        for line in page.lines:
            if line.offset >= stop:
                return found, line.offset
            if accepts(line):
                found.append(line)
        if page.next == position:
            break
        position = page.next
    return found, position
