"""The build log of a deployment: a file of JSON lines. The byte offset of a line is its sequence number."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canonry.core.clock import now
from canonry.core.masking import Mask
from canonry.core.paths import Home

END = "end"  # the stream of the one line that closes the log
_LONGEST = 16 * 1024
_CHUNK = 1 << 20
_TAIL = 256 << 10


@dataclass(frozen=True)
class LogPage:
    """Some lines ({seq, ts, stream, text}), the sequence number to go on from, and whether the log is closed."""

    lines: Sequence[Mapping[str, object]]
    next_seq: int
    closed: bool


class BuildLog:
    """Appends lines. One deployment has one, also when it is carried on after a restart."""

    def __init__(self, home: Home, deployment_id: str) -> None:
        self._path = path_of(home, deployment_id)
        _mend(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._secrets: dict[str, None] = {}
        self._mask = Mask()
        self._inside = False  # a line that is longer than one may be goes on with the next piece

    def mask(self, secrets: Iterable[str]) -> None:
        """Keep these values out of all that is appended from now on."""
        self._secrets |= dict.fromkeys(secrets)
        self._mask = Mask(self._secrets)

    def masked(self, text: str) -> str:
        """Return `text` without those values."""
        return self._mask(text)

    def build(self, text: str) -> None:
        """Append a line of a command's output."""
        goes_on = len(text) >= _LONGEST
        self._append("build", self._mask(text, begins_inside=self._inside, ends_inside=goes_on))
        self._inside = goes_on

    def say(self, text: str) -> None:
        """Append a line of Canonry's own."""
        self._append("system", self._mask(text))

    def close(self, status: str | None = None) -> None:
        """Close the file; with the final status of the deployment, close the log for its readers too."""
        if status is not None:
            self._append(END, status)
        self._file.close()

    def _append(self, stream: str, text: str) -> None:
        line = {"ts": now().isoformat(timespec="milliseconds"), "stream": stream, "text": text[:_LONGEST]}
        self._file.write(json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n")


def path_of(home: Home, deployment_id: str) -> Path:
    """Return the file of a deployment's build log."""
    return home.build_logs / f"{deployment_id}.jsonl"


def read(home: Home, deployment_id: str, *, after: int, limit: int) -> LogPage:
    """Return up to `limit` lines from sequence number `after` on; a deployment that has no log yet has no lines."""
    lines: list[Mapping[str, object]] = []
    closed = False
    try:
        file = path_of(home, deployment_id).open("rb")
    except FileNotFoundError:
        return LogPage((), 0, closed=False)
    with file:
        position = min(max(after, 0), file.seek(0, 2))  # no file system can seek as far as a client may ask
        file.seek(position)
        while len(lines) < limit and (raw := file.readline(_CHUNK)).endswith(b"\n"):
            line = _parse(raw)
            closed = line.get("stream") == END
            if line and not closed:
                lines.append({"seq": position, **line})
            position += len(raw)
    return LogPage(lines, position, closed)


def last_lines(home: Home, deployment_id: str, count: int) -> list[str]:
    """Return the text of the last lines, at most `count`; a deployment without a log has none."""
    try:
        with path_of(home, deployment_id).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            raw = file.read().split(b"\n")[0 if size <= _TAIL else 1 :]
    except FileNotFoundError:
        return []
    lines = [line for piece in raw if piece and (line := _parse(piece)) and line.get("stream") != END]
    return [str(line.get("text", "")) for line in lines[-count:]]


def _parse(raw: bytes) -> dict[str, object]:
    try:
        line = json.loads(raw)
    except ValueError:  # a reader came with a number that is no line's start: the rest of that line is left out
        return {}
    return line if isinstance(line, dict) else {}


def _mend(path: Path) -> None:
    """End a half line that a crash left, so that the next one starts on its own."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 1, 0))
            if size and file.read(1) != b"\n":
                file.write(b"\n")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
