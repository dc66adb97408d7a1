"""How far recovery goes: which segments it needs, on which timeline, and where it stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from canonry.core.errors import Conflict
from canonry.infra.backup import wal, wal_reading
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup
from canonry.infra.backup.wal import Segment, name_of, parse_lsn

_AHEAD = 4  # segments that are read at once when looking for the first commit after a moment


@dataclass(frozen=True)
class Plan:
    """settings: of PostgreSQL, for recovery. words: where it stops. The rest as in `restoring.Restored`."""

    timeline: int
    settings: Mapping[str, str]
    words: str
    complete: bool
    last_commit: datetime | None
    archived_until: datetime | None


def bring(archive: Archive, backup: BaseBackup, folder: Path, until: datetime | str, programs: Path) -> Plan:
    """Put into `folder`, which has the backup's own segments, what else recovery needs; say how far it goes.

    Raises: Conflict `wal_gap` | `too_early`; as `Archive.get`.
    """
    if until == "end":
        return Plan(backup.timeline, {"recovery_target_name": backup.point.name}, f"the point {backup.point.name}", complete=True,
                    last_commit=None, archived_until=None)  # fmt: skip
    reader = _Reader(archive, backup, folder, programs)
    if isinstance(until, datetime):
        return reader.to_moment(until)
    return reader.to_latest() if until == "latest" else reader.to_lsn(until)


class _Reader:
    """Walks over the segments that follow a backup. They stand in one order, whatever timeline each belongs to."""

    def __init__(self, archive: Archive, backup: BaseBackup, folder: Path, programs: Path) -> None:
        self._archive, self._backup, self._folder, self._programs = archive, backup, folder, programs
        self._own = {wal.number_of(name, backup.segment_bytes): name for name in backup.wal}
        self._switches = self._choose_timeline()
        self.timeline = self._switches[-1][0]
        self._segments, self._gap = self._following(wal.segments(archive))

    def to_latest(self) -> Plan:
        self._refuse_gap(None)
        for number in range(len(self._segments)):
            self._fetch(number)
        return self._plan({}, "the end of what is archived", complete=True)

    def to_lsn(self, until: str) -> Plan:
        size = self._backup.segment_bytes
        position = parse_lsn(until)
        if position < parse_lsn(self._backup.end_lsn):
            raise Conflict("too_early", f"The backup {self._backup.id} ends behind {until}.", hint="Begin with an older backup.")
        wanted = position // size
        needed = [place for place, segment in enumerate(self._segments) if segment.number(size) <= wanted]
        reached = bool(needed) and self._segments[needed[-1]].number(size) == wanted
        if not reached:
            self._refuse_gap(None)
        for place in needed:
            self._fetch(place)
        if not reached:
            return self._plan({}, "the end of what is archived", complete=False)
        return self._plan({"recovery_target_lsn": until, "recovery_target_inclusive": "off"}, f"the position {until}", complete=True)

    def to_moment(self, until: datetime) -> Plan:
        if until < self._backup.ended:
            raise Conflict("too_early", f"The backup {self._backup.id} ended after that moment.", hint="Begin with an older backup.")
        first = next((place for place, segment in enumerate(self._segments) if segment.at > until), len(self._segments))
        for place in range(min(first, len(self._segments))):
            self._fetch(place)
        place, last = max(first - 1, 0), None
        while place < len(self._segments):  # what was committed up to the moment ends about here; the next commit says where
            end = min(place + _AHEAD, len(self._segments))
            while end > place + 1 and self._segments[end - 1].timeline != self._segments[place].timeline:
                end -= 1
            for number in range(place, end):
                self._fetch(number)
            look = wal_reading.look_for(
                self._programs, self._folder, self._segments[place].name, self._segments[end - 1].name, until
            )  # fmt: skip
            last = look.last or last
            if look.after_lsn is not None:
                settings = {"recovery_target_lsn": look.after_lsn, "recovery_target_inclusive": "off"}
                return self._plan(settings, f"the position {look.after_lsn}", complete=True, last=last)
            if end == len(self._segments):
                break
            place = max(end - 1, place + 1)  # once more, for a record that goes on in the next
        self._refuse_gap(until)
        complete = any(segment.at >= until for segment in self._segments)
        return self._plan({}, "the end of what is archived", complete=complete, last=last)

    def _plan(self, settings: Mapping[str, str], words: str, *, complete: bool, last: datetime | None = None) -> Plan:
        reach = max((segment.at for segment in self._segments), default=self._backup.point_at)
        return Plan(self.timeline, settings, words, complete, last, max(reach, self._backup.point_at))

    def _fetch(self, place: int) -> None:
        segment = self._segments[place]
        target = self._folder / segment.name
        if segment.key and not target.exists():
            wal.fetch(self._archive, segment.key, target)

    def _refuse_gap(self, until: datetime | None) -> None:
        if self._gap is None:
            return
        known = self._segments[-1].at if self._segments else self._backup.point_at
        moment = "the latest moment" if until is None else f"{until:%Y-%m-%d %H:%M:%S} UTC"
        raise Conflict("wal_gap", f"From the backup {self._backup.id} {moment} cannot be reached: the archive lacks {self._gap}.",
                       hint=f"Restore to {known:%Y-%m-%d %H:%M:%S} UTC or before, or begin with a backup made after the gap.")  # fmt: skip

    def _following(self, archived: Sequence[Segment]) -> tuple[list[Segment], str | None]:
        """Return the segments from the backup's end on, as far as none is missing; and the first that is, when there are later ones."""
        size = self._backup.segment_bytes
        by_name = {segment.name: segment for segment in archived}
        newest = max((segment.number(size) for segment in archived if segment.timeline == self.timeline), default=-1)
        found: list[Segment] = []
        number = self._backup.last_segment + 1
        while True:
            segment = self._at(number, by_name)
            if segment is None:
                missing = name_of(self.timeline, number, size)
                return found, missing if newest > number else None
            found.append(segment)
            number += 1

    def _at(self, number: int, by_name: Mapping[str, Segment]) -> Segment | None:
        """Return the segment of that number on our timeline or the nearest ancestor that had it."""
        size = self._backup.segment_bytes
        for timeline, begin in reversed(self._switches):
            if number < begin:
                continue
            name = name_of(timeline, number, size)
            if name in by_name:
                return by_name[name]
            if self._own.get(number) == name:
                return Segment(name, "", self._backup.point_at, size)
            return None
        return None

    def _choose_timeline(self) -> list[tuple[int, int]]:
        """Return (timeline, its first segment's number) from the backup's own to the newest that follows from it; bring the histories."""
        chosen = [(self._backup.timeline, 0)]
        for name in sorted(wal.histories(self._archive)):
            target = self._folder / name
            wal.fetch(self._archive, wal.history_key(self._archive.cluster, name), target)
            chain = wal_reading.parse_history(target.read_text(encoding="utf-8"))
            left = dict(chain).get(self._backup.timeline)
            if left is None or parse_lsn(left) < parse_lsn(self._backup.end_lsn):
                continue
            numbers = [parse_lsn(lsn) // self._backup.segment_bytes for _timeline, lsn in chain]
            ids = [*(timeline for timeline, _lsn in chain[1:]), int(name[:8], 16)]
            following = list(zip(ids, numbers, strict=True))
            own = [timeline for timeline, _lsn in chain].index(self._backup.timeline)
            chosen = [(self._backup.timeline, 0), *following[own:]]
        return chosen
