"""What a build prints, made fit for a log: whole lines, no terminal codes, no secret values, bounded."""

import re
from collections import deque
from collections.abc import Iterable, Sequence

from canonry.core.masking import Mask
from canonry.ports.builder import LogLine

_LINE_BYTES = 16 << 10  # what is read of one line; the rest of it is dropped
_LINE_SHOWN = 4 << 10
_TOTAL_BYTES = 16 << 20  # of one command; the rest is counted, not kept
_CODES = re.compile(r"\x1b(?:\[[0-9;?<=>!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


def masking(log: LogLine, secrets: Iterable[str]) -> LogLine:
    """Return a log that cleans each line, takes secret values out of it and passes it on."""
    mask = Mask(secrets)

    def write(line: str) -> None:
        is_cut = len(line) > _LINE_BYTES // 4 and len(line.encode(errors="replace")) >= _LINE_BYTES - 3
        log(mask(clean(line.rstrip("\N{REPLACEMENT CHARACTER}") if is_cut else line), ends_inside=is_cut)[:_LINE_SHOWN])

    return write


def clean(line: str) -> str:
    """Return the line as a terminal would leave it: no colours, no cursor movements, and of overwritten text the last."""
    plain = _CODES.sub("", line).rstrip("\r")
    return _CONTROLS.sub("", plain.rpartition("\r")[2]).rstrip()


class Output:
    """Takes what a command writes, piece by piece, and hands whole lines to the log. Keeps the last ones for the error."""

    def __init__(self, log: LogLine) -> None:
        self._log = log
        self._rest = b""
        self._taken = 0
        self._dropping = False
        self._tail: deque[str] = deque(maxlen=200)

    @property
    def tail(self) -> Sequence[str]:
        """The last lines."""
        return tuple(self._tail)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._taken > _TOTAL_BYTES:
            return
        self._taken += len(data)
        if self._taken > _TOTAL_BYTES:
            self._log(f"The output is longer than {_TOTAL_BYTES >> 20} MiB; the rest is not kept.")
            return
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self._dropping:
                self._write(line)
            self._dropping = False
        if len(rest) > _LINE_BYTES and not self._dropping:
            self._write(rest)
            self._dropping = True
        self._rest = b"" if self._dropping else rest

    def close(self) -> None:
        """Write what is left of a line without an end."""
        if self._rest and self._taken <= _TOTAL_BYTES:
            self._write(self._rest)
        self._rest = b""

    def _write(self, line: bytes) -> None:
        text = line[:_LINE_BYTES].decode(errors="replace")
        self._tail.append(clean(text))
        self._log(text)
