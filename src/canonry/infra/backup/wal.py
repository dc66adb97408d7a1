"""Segments of WAL: from a cluster's spool to the archive, and back.

In the archive a segment is `wal/<cluster>/<timeline>/<segment>-<unix milliseconds>`: when the cluster wrote to it last, so that the
segments for a moment can be chosen without opening them, also when they came late. Beside them: `wal/<cluster>/history/<name>`.
A segment leaves the spool when the archive has it: after a crash it is sent again, under the same name.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canonry.core.errors import Conflict
from canonry.infra.backup.archive import Archive

_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_KEY = re.compile(r"wal/[^/]+/[0-9A-F]{8}/([0-9A-F]{24})-(\d+)")
_GAPS = ("GAP", "GAP.closing")
_PIECE = 1 << 20


@dataclass(frozen=True)
class Segment:
    """A segment in the archive. name: timeline and number in PostgreSQL's own form. at: when the cluster wrote to it last."""

    name: str
    key: str
    at: datetime
    size: int

    @property
    def timeline(self) -> int:
        """The timeline it belongs to."""
        return int(self.name[:8], 16)

    def number(self, segment_bytes: int) -> int:
        """Return its number on all timelines."""
        return number_of(self.name, segment_bytes)


@dataclass(frozen=True)
class Gap:
    """A segment that was let go because the spool was full."""

    at: datetime
    segment: str


@dataclass(frozen=True)
class Shipped:
    """What one look into a spool did. waiting: how many are still there."""

    segments: int
    waiting: int
    gaps: Sequence[Gap]


def ship(folder: Path, archive: Archive, *, most: int = 1_000_000) -> Shipped:
    """Send what lies in `folder/spool` to the archive, oldest first, at most that many, and remove it there.

    Raises: as `Objects`; Conflict `wal_conflict` when the archive has another segment of that name.
    """
    spool = folder / "spool"
    sent = 0
    for path in _waiting(spool)[:most]:
        try:
            target = _target(archive.cluster, path)
            if target is not None and not _has(archive, target, path):
                archive.put(target, _read(path))
            path.unlink()
        except FileNotFoundError:  # somebody else sends the same: then it is there
            continue
        sent += 1
    return Shipped(sent, len(_waiting(spool)), gaps(folder))


def gaps(folder: Path) -> list[Gap]:
    """Return what was let go and is not covered by a base backup yet."""
    found = []
    for name in _GAPS:
        try:
            lines = (folder / "spool" / name).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            continue
        parts = [line.split() for line in lines]
        found += [Gap(datetime.fromtimestamp(int(part[0]), UTC), part[1]) for part in parts if len(part) == 2 and part[0].isdigit()]
    return sorted(found, key=lambda gap: (gap.at, gap.segment))


def begin_closing(folder: Path) -> None:
    """Before a base backup: what is let go from now on counts as another gap."""
    spool = folder / "spool"
    try:
        older = (spool / "GAP.closing").read_text(encoding="utf-8") if (spool / "GAP.closing").exists() else ""
        (spool / "GAP").rename(spool / "GAP.closing")
    except FileNotFoundError:
        return
    if older:
        with (spool / "GAP.closing").open("a", encoding="utf-8") as file:
            file.write(older)


def end_closing(folder: Path) -> None:
    """After a base backup that began behind them: the gaps before it no longer matter."""
    (folder / "spool" / "GAP.closing").unlink(missing_ok=True)


def segments(archive: Archive) -> list[Segment]:
    """Return the segments that the archive has, by timeline and number; of two of one name the later one."""
    found: dict[str, Segment] = {}
    for item in archive.objects.list(f"wal/{archive.cluster}"):
        if match := _KEY.fullmatch(item.key):
            segment = Segment(match[1], item.key, datetime.fromtimestamp(int(match[2]) / 1000, UTC), item.size)
            if segment.name not in found or found[segment.name].at < segment.at:
                found[segment.name] = segment
    return [found[name] for name in sorted(found)]


def histories(archive: Archive) -> list[str]:
    """Return the names of the histories that the archive has (`00000002.history`)."""
    return [item.key.rsplit("/", 1)[1] for item in archive.objects.list(f"wal/{archive.cluster}/history")]


def fetch(archive: Archive, source: str, target: Path) -> None:
    """Bring an object of the archive (`Segment.key`) to a file. Raises: NotFound `object_missing`; Conflict `backup_…`; OSError."""
    temporary = target.with_name(f".{target.name}.tmp")
    with closing(archive.get(source)) as pieces, temporary.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    temporary.rename(target)


def history_key(cluster: str, name: str) -> str:
    """Return where a history lies."""
    return f"wal/{cluster}/history/{name}"


def number_of(name: str, segment_bytes: int) -> int:
    """Return the number of a segment on all timelines."""
    return int(name[8:16], 16) * (0x1_0000_0000 // segment_bytes) + int(name[16:24], 16)


def name_of(timeline: int, number: int, segment_bytes: int) -> str:
    """Return the name of a segment."""
    high, low = divmod(number, 0x1_0000_0000 // segment_bytes)
    return f"{timeline:08X}{high:08X}{low:08X}"


def parse_lsn(text: str) -> int:
    """Return the position `0/3000148` as a number. Raises: ValueError."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _waiting(spool: Path) -> list[Path]:
    try:
        found = [path for path in spool.iterdir() if not path.name.startswith(".") and path.name not in _GAPS]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda path: (not _HISTORY.fullmatch(path.name), path.name))  # a history tells what the rest belongs to


def _target(cluster: str, path: Path) -> str | None:
    """Return the object's key, None for what nobody needs (labels of base backups)."""
    if _SEGMENT.fullmatch(path.name):
        return f"wal/{cluster}/{path.name[:8]}/{path.name}-{-(-path.stat().st_mtime_ns // 1_000_000)}"
    if _HISTORY.fullmatch(path.name):
        return history_key(cluster, path.name)
    return None


def _has(archive: Archive, target: str, path: Path) -> bool:
    """Say whether the archive has it already, from before a crash. Raises: Conflict `wal_conflict` when it has something else."""
    if archive.objects.find(target) is None:
        return False
    if b"".join(archive.get(target)) == path.read_bytes():
        return True
    raise Conflict("wal_conflict", f"The archive has another {target}.",
                   hint="Two clusters write under one name. Give one of them another name; this segment stays in the spool.")  # fmt: skip


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
