"""Log files of long-running processes: where our own lines go, and that no file grows for ever."""

import logging
import sys
from pathlib import Path

_KEPT = 1 << 20  # bytes of the old end that are kept beside
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def write_to_stderr() -> None:
    """Send the log of this process to stderr, from INFO on."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=_FORMAT)
    for name in ("httpx", "httpcore", "psycopg.pool", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def keep_short(log: Path, *, limit: int = 8 << 20) -> None:
    """Empty a log file that is longer than `limit` bytes; its end is kept in `<name>.1`. Whoever writes must append (O_APPEND)."""
    try:
        if log.stat().st_size <= limit:
            return
        with log.open("rb") as file:
            file.seek(-_KEPT, 2)
            log.with_name(f"{log.name}.1").write_bytes(file.read())
        with log.open("r+b") as file:
            file.truncate(0)
    except FileNotFoundError:
        return
