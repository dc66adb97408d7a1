"""How commands print: data on stdout, everything said about it on stderr. Plain text, because importing rich costs 90 ms."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers, each column as wide as its widest cell; None and empty cells show as `-`."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(headers), *cells]) for column in range(len(headers))]
    for row in [[strong(header, width) for header, width in zip(headers, widths, strict=True)], *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one per line; a value that is None or empty is left out, a list takes a line for each item."""
    shown = {name: value for name, value in fields.items() if value is not None and value not in ("", (), [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        lines = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
        for number, line in enumerate(lines):
            print(f"{strong(name, width) if number == 0 else ' ' * width}  {line}")


def say(text: str) -> None:
    """Tell the user something that is not the answer itself (on stderr)."""
    print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Tell the user about something that may surprise them (on stderr)."""
    say(f"warning: {text}")


def ask(question: str) -> str:
    """Ask on the terminal and return the answer without the spaces around it."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def ask_secretly(question: str) -> str:
    """Ask on the terminal for what must not be seen."""
    import getpass

    return getpass.getpass(question, sys.stderr)


def strong(text: str, width: int = 0) -> str:
    """Return `text`, padded to `width`, in bold when stdout is a terminal."""
    padded = text.ljust(width)
    return f"\033[1m{padded}\033[0m" if sys.stdout.isatty() else padded


def age(moment: str | None, now: datetime | None = None) -> str | None:
    """Return how long ago an ISO time was, like `5m`; what is not a time comes back as it is."""
    if not moment:
        return None
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    seconds = int(((now or datetime.now(UTC)) - then.replace(tzinfo=then.tzinfo or UTC)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


class Progress:
    """Shows on a terminal how much of an upload has gone out; elsewhere it is silent."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(total, 1)
        self._shown = -1
        self._visible = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Take the bytes done so far."""
        percent = min(100, done * 100 // self._total)
        if self._visible and percent != self._shown:
            self._shown = percent
            end = "\n" if percent == 100 else ""
            print(f"\r{self._what}: {percent} % of {self._total / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else str(value)
