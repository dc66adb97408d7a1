"""What may be removed from an archive: decided by a pure function, then done.

Promised is every moment of the last so many days, and every backup that is kept on purpose. So there stay: the newest base backup that
ended before the first promised moment and all later ones, kept ones, whatever these build on, and all WAL from the first of those that
serve moments. A kept older backup brings the WAL of its own point with it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from canonry.infra.backup import base, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup

_UNFINISHED = timedelta(hours=48)  # what is no backup after that time never becomes one


@dataclass(frozen=True)
class Removal:
    """What may go. backups: ids, those that build on others first. wal_before: numbers of segments below this; 0 for none."""

    backups: Sequence[str]
    wal_before: int


def removal(backups: Collection[BaseBackup], *, now: datetime, days: int, kept: Collection[str] = ()) -> Removal:
    """Decide. kept: ids of backups that stay whatever their age (somebody made them on purpose, or restores from them just now)."""
    by_id = {backup.id: backup for backup in backups}
    horizon = now - timedelta(days=days)
    ordered = sorted(backups, key=lambda backup: (backup.ended, backup.id))
    before = [backup for backup in ordered if backup.ended <= horizon]
    serving = [*before[-1:], *(backup for backup in ordered if backup.ended > horizon)]
    needed: set[str] = set()
    for backup in [*serving, *(by_id[name] for name in kept if name in by_id)]:
        above: BaseBackup | None = backup
        while above is not None and above.id not in needed:
            needed.add(above.id)
            above = by_id.get(above.parent or "")
    going = [backup.id for backup in reversed(ordered) if backup.id not in needed]
    return Removal(going, min((backup.first_segment for backup in serving), default=0))


def clear(archive: Archive, *, now: datetime, days: int, kept: Collection[str] = ()) -> Removal:
    """Remove what is not promised any more, and what crashes left; return what it was. Idempotent. Raises: as `Objects`."""
    backups = base.find_all(archive)
    decided = removal(backups, now=now, days=days, kept=kept)
    for backup_id in decided.backups:
        base.delete(archive, backup_id)
    if backups:
        segment_bytes = backups[-1].segment_bytes
        for segment in wal.segments(archive):
            if segment.number(segment_bytes) < decided.wal_before:
                archive.objects.delete(segment.key)
    _clear_unfinished(archive, {backup.id for backup in backups}, now)
    return decided


def _clear_unfinished(archive: Archive, whole: Collection[str], now: datetime) -> None:
    for item in archive.objects.list(f"base/{archive.cluster}"):
        backup_id = item.key.split("/")[2]
        if backup_id not in whole and now - item.modified > _UNFINISHED:
            archive.objects.delete(item.key)
