"""Pure decisions: which backup of a database is due."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from canonry.features.backups.archiving.models import DatabaseBackup, Due, Kind, State, Trigger

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_DUMP_HOUR = 1  # UTC
_AGAIN = timedelta(minutes=5)  # after one failed, then twice as long, at most:
_LONGEST = timedelta(hours=4)


def due(backups: Sequence[DatabaseBackup], now: datetime, *, gap: bool, used_at: datetime, can_restore: bool) -> Due | None:
    """Return what is to be made now. backups: of one cluster, newest first. gap: segments were let go since the last base backup.

    used_at: when the database was last used; of one that nobody has touched since its last backup another would be the same.
    can_restore: False on a server outside, of which there are dumps only.
    """
    if waits_after_failure(backups, now):
        return None
    bases = [backup for backup in backups if backup.is_base and backup.state is State.DONE]
    if can_restore and (not bases or gap or (now - bases[0].started_at >= _DAY and used_at >= bases[0].started_at)):
        return _base(bases, now, Trigger.GAP if gap else Trigger.DAILY)
    last_dump = next((backup.started_at for backup in backups if backup.kind is Kind.DUMP and backup.state is State.DONE), None)
    night = last_night(now)
    if last_dump is None and backups[-1:] and backups[-1].started_at > night:
        return None  # it is new: its first night comes
    if (last_dump is None or (last_dump < night and used_at >= last_dump)) and (bases or not can_restore):
        return Due(Kind.DUMP, Trigger.DAILY)
    return None


def still_there(backups: Sequence[DatabaseBackup], there: Collection[str] | None, *, since: datetime) -> list[DatabaseBackup]:
    """Return those that count: not base backups of before `since` that the archive does not have.

    there: the ids of those that it had when it was looked at, and of what came since; None: it did not answer.
    """
    return [
        backup for backup in backups
        if there is None or not backup.is_base or backup.state is not State.DONE or backup.started_at >= since or backup.id in there
    ]  # fmt: skip


def waits_after_failure(backups: Sequence[DatabaseBackup], now: datetime) -> bool:
    """Say whether the last ones failed so often that the next try waits."""
    failures = failures_in_row(backups)
    if not failures:
        return False
    pause: timedelta = min(_AGAIN * 2 ** min(failures - 1, 10), _LONGEST)
    return now - (backups[0].ended_at or backups[0].started_at) < pause


def failures_in_row(backups: Sequence[DatabaseBackup]) -> int:
    """Return how many of the newest failed, one after the other."""
    ended = [backup for backup in backups if backup.state is not State.RUNNING]
    return next((number for number, backup in enumerate(ended) if backup.state is State.DONE), len(ended))


def last_night(now: datetime) -> datetime:
    """Return when dumps were last due."""
    today = now.replace(hour=_DUMP_HOUR, minute=0, second=0, microsecond=0)
    return today if today <= now else today - _DAY


def _base(bases: Sequence[DatabaseBackup], now: datetime, trigger: Trigger) -> Due:
    full = next((backup for backup in bases if backup.kind is Kind.FULL), None)
    if full is None or now - full.started_at >= _WEEK:
        return Due(Kind.FULL, trigger)
    return Due(Kind.INCREMENTAL, trigger, bases[0].id)
