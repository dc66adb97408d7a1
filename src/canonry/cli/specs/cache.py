"""What was parsed, kept beside the checkout in one SQLite file below `.git`: a file that did not change is not parsed again.

Nothing depends on it. A cache that is broken, locked, of another version or that cannot be written is passed over.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import canonry.specs
from canonry import __version__
from canonry.cli.specs.checkout import Checkout, File

_FRESH = 0.2  # seconds: a file that changed just now could change again within the same tick of its clock, so it is not kept
_SCHEMA = """
create table if not exists made_by (version text not null);
create table if not exists config (stamp text not null, content text not null);
create table if not exists summary (path text primary key, stamp text not null, content text not null) without rowid;
create table if not exists sections (path text primary key, content text not null) without rowid;
"""


class Cache:
    """An open cache, or none: then it is empty and keeps nothing."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection

    def stamps(self) -> dict[str, str]:
        """Path → stamp of what is kept."""
        return dict(self._rows("select path, stamp from summary"))

    def summaries(self) -> dict[str, list[Any]]:
        """Path → summary of everything that is kept."""
        rows = self._rows("select path, content from summary")
        values = json.loads(f"[{','.join(content for _, content in rows)}]")
        return {path: value for (path, _), value in zip(rows, values, strict=True)}

    def sections(self, paths: Sequence[str] | None = None) -> dict[str, str]:
        """Path → sections of these files as JSON, of all without any."""
        if paths is None:
            rows = self._rows("select path, content from sections")
        else:
            rows = [row for path in paths for row in self._rows("select path, content from sections where path = ?", (path,))]
        return dict(rows)

    def config(self, stamp: str, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What CANON.yaml says, made anew when its stamp is another."""
        for content in self._rows("select content from config where stamp = ?", (stamp,)):
            found: Mapping[str, Any] = json.loads(content[0])
            return found
        made = make()
        self._write([("delete from config", [()]), ("insert into config values (?, ?)", [(stamp, json.dumps(made))])])
        return made

    def keep(self, files: Iterable[tuple[File, str, str]], gone: Iterable[str]) -> None:
        """Keep what was parsed, a summary and sections as JSON for each file, and forget files that are gone."""
        now = time.time()
        rows = [(file, summary, sections) for file, summary, sections in files if now - file.modified > _FRESH]
        removed = [(path,) for path in gone]
        self._write([
            ("delete from summary where path = ?", removed),
            ("delete from sections where path = ?", removed),
            ("insert or replace into summary values (?, ?, ?)", ((file.path, file.stamp, summary) for file, summary, _ in rows)),
            ("insert or replace into sections values (?, ?)", ((file.path, sections) for file, _, sections in rows)),
        ])  # fmt: skip

    def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()

    def _rows(self, query: str, values: tuple[str, ...] = ()) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def _write(self, steps: Iterable[tuple[str, Iterable[tuple[str, ...]]]]) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error), self._connection:  # when it fails, the next command parses again
            for query, rows in steps:
                self._connection.executemany(query, rows)


def open_cache(checkout: Checkout) -> Cache:
    """Open the cache of a checkout; it lies below `.git` and so is never committed. Without git there is none."""
    if checkout.git is None:
        return Cache(None)
    place = checkout.git / "canonry" / "specs.cache"
    for _ in range(2):
        try:
            return Cache(_connect(place))
        except sqlite3.DatabaseError:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)  # broken: made anew
        except OSError:
            break
    return Cache(None)


def _connect(place: Path) -> sqlite3.Connection:
    place.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(place, timeout=1)
    try:
        connection.execute("pragma synchronous = off")
        connection.executescript(_SCHEMA)
        version = _version()
        if connection.execute("select version from made_by").fetchall() != [(version,)]:
            with connection:
                for table in ("made_by", "config", "summary", "sections"):
                    connection.execute(f"delete from {table}")  # noqa: S608 -- these four names
                connection.execute("insert into made_by values (?)", (version,))
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _version() -> str:
    """What made the rows: another version of Canonry, or of the parser, may see a file with other eyes."""
    folders = (Path(canonry.specs.__file__).parent, Path(__file__).parent)
    newest = max(entry.stat().st_mtime_ns for folder in folders for entry in folder.glob("*.py"))
    return f"{__version__} {newest}"
