"""The requests that Caddy answered: a line for each in `edge/requests`, read once and then deleted.

Caddy writes `caddy-<generation>.log` and begins a new file when it has 16 MiB; then the old one has a date in its name. When nobody
reads, the oldest goes. A file is known by its first line, which has a time with nanoseconds: names change, inodes come back.
docs/decisions has the record of what else was tried, and what this costs.
"""

import hashlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canonry.ports.edge import Request, Requests

type Route = dict[str, Any]

_MIB = 16
_KEPT = 8  # files: a million requests, or so, while nobody reads
_MOST = 4 << 20  # bytes read at once, some 45,000 requests
_LEFT_ALONE = 3600.0  # seconds without a line after which the Caddy that wrote a file has ended for certain
_LINE = re.compile(rb'\{"ts":([0-9.]+),"duration":([0-9.e+-]+),"status":([0-9]+),"host":"([^"\\]*)"\}\n')
_CURRENT = re.compile(r"caddy-([0-9]+)\.log")

COUNT_NOT: Route = {"handler": "vars", "log_skip": True}
"""For every request at first: the requests of scanners, and those to Canonry itself, are nobody's."""

COUNT: list[Route] = [
    {"handler": "vars", "log_skip": False},
    {"handler": "log_append", "key": "host", "value": "{http.request.host}"},
]
"""For a request whose host has a route."""


def request_log(path: Path) -> Route:
    """Return the log of requests: when each one ended, how long it took, its status and host, and nothing about the client."""
    left_out = ("request", "bytes_read", "user_id", "size", "resp_headers")
    no_keys = dict.fromkeys(("level_key", "message_key", "name_key", "caller_key"), "")
    return {
        "include": ["http.log.access"],
        "writer": {"output": "file", "filename": str(path), "mode": "0600", "roll_size_mb": _MIB, "roll_keep": _KEPT, "roll_gzip": False},
        "encoder": {
            "format": "filter",
            "fields": {name: {"filter": "delete"} for name in left_out},
            "wrap": {"format": "json", "time_format": "unix_seconds_float", **no_keys},
        },
    }


def read_requests(folder: Path, after: Mapping[str, int]) -> Requests:
    """Return what was written since `after` (the first line of a file, hashed → offset in it), and delete the files that lie before it."""
    found: list[Request] = []
    cursor: dict[str, int] = {}
    left, more = _MOST, False
    for path in _files(folder):
        key, size, written = _look_at(path)
        if not key:
            continue
        offset = min(after.get(key, 0), size)
        if offset == size and _is_finished(path, folder, written):
            path.unlink(missing_ok=True)
            continue
        part, length = _read(path, offset, left)
        found += part
        cursor[key] = offset + length
        left -= length
        more = more or (offset + length < size and length > 0)
    return Requests(found, cursor, more)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("caddy-*.log"))
    except FileNotFoundError:
        return []


def _look_at(path: Path) -> tuple[str, int, float]:
    """Return what names the file for ever (empty as long as it has no whole line), its size, and when it was written last."""
    try:
        with path.open("rb") as file:
            first, status = file.readline(1024), os.fstat(file.fileno())
    except FileNotFoundError:  # renamed by Caddy in this very moment: the next look finds it
        return "", 0, 0.0
    return hashlib.sha256(first).hexdigest()[:16] if first.endswith(b"\n") else "", status.st_size, status.st_mtime


def _is_finished(path: Path, folder: Path, written: float) -> bool:
    """Say whether nobody will write into the file any more: Caddy has put it aside, or was replaced long ago."""
    current = _CURRENT.fullmatch(path.name)
    if current is None:
        return True
    newest = max(int(found[1]) for other in _files(folder) if (found := _CURRENT.fullmatch(other.name)))
    return int(current[1]) < newest and time.time() - written > _LEFT_ALONE


def _read(path: Path, offset: int, most: int) -> tuple[list[Request], int]:
    """Return the requests of whole lines from `offset` on, and how many bytes they are. A line that is none of ours is passed over."""
    if most <= 0:
        return [], 0
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(most)
    except FileNotFoundError:
        return [], 0
    length = data.rfind(b"\n") + 1
    return [
        Request(host.decode(), float(at), int(status), float(seconds)) for at, seconds, status, host in _LINE.findall(data, 0, length)
    ], length
