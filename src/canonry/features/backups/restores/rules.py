"""Pure decisions about restores: moments, what may be done when, what is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from canonry.core.errors import Conflict, Invalid, Issue
from canonry.features.backups.restores.models import Phase, Restore

UNDO_KEPT = timedelta(days=3)
"""How long the database that a promote replaced is kept."""
MOST_READY = 3
"""Restored databases of a project beside the live one: each takes as much disk as that."""


@dataclass(frozen=True)
class Span:
    """A database can be restored to every moment from `start` to `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Reach(Span):
    """Such a span, and the name under which the archive has what is needed for it."""

    cluster: str


@dataclass(frozen=True)
class Covered:
    """What a base backup alone covers: from its end to the point at which its rows were counted. last: its own last segment.

    own: how many segments behind `last` it brings itself.
    """

    ended: datetime
    point_at: datetime
    timeline: int
    last: int
    own: int


def reach_of(backups: Sequence[Covered], segments: Iterable[tuple[int, int, datetime]], end: datetime | None) -> list[Span]:
    """Return the spans that base backups and the segments (timeline, number, when it was written to last) behind them cover, oldest first.

    end: how far the newest span goes, because everything until then can still be had; None: no further than the archive.
    """
    known = {(timeline, number): at for timeline, number, at in segments}
    newest = max((number for _timeline, number in known), default=-1)
    spans: list[Span] = []
    for backup in sorted(backups, key=lambda item: item.ended):
        number, until = backup.last + backup.own, backup.point_at
        while (at := known.get((backup.timeline, number + 1))) is not None:
            number, until = number + 1, max(until, at)
        if end is not None and number >= newest:
            until = max(until, end)
        if spans and backup.ended <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(spans[-1].end, until))
        else:
            spans.append(Span(backup.ended, until))
    return spans


def parse_moment(text: str, field: str = "body.at") -> datetime:
    """Return the moment in `text` (ISO 8601 with its time zone). Raises: Invalid `invalid_moment`, `zone_missing`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        issue = Issue(field, "must be a date and time with its zone, like 2026-11-22T10:31:07Z", "moment")
        hint = "Write it like 2026-11-22T10:31:07Z."
        raise Invalid("invalid_moment", f"{text[:60]!r} is no moment.", hint=hint, issues=[issue]) from error
    if moment.tzinfo is None:
        issue = Issue(field, "must say its time zone: Z, or an offset like +01:00", "zone")
        message, hint = f"{text[:60]!r} does not say in which time zone it is.", "Add Z for UTC, or an offset like +01:00."
        raise Invalid("zone_missing", message, hint=hint, issues=[issue])
    return moment


def require_reachable[S: Span](moment: datetime, spans: Sequence[S]) -> S:
    """Return the span that the moment lies in. Raises: Invalid `moment_out_of_reach`, which names what can be reached."""
    for span in spans:
        if span.start <= moment <= span.end:
            return span
    reach = "; ".join(f"from {_shown(span.start)} to {_shown(span.end)}" for span in spans) or "no moment: it has no backup yet"
    if not spans:
        hint = "A first backup is made within minutes of its creation."
    elif moment > spans[-1].end:
        hint = "That moment has not come yet, or is not in the archive yet."
    elif moment < spans[0].start:
        hint = "What is older was not kept."
    else:
        hint = "Changes of that time never came into the archive: choose a moment before or after."
    raise Invalid("moment_out_of_reach", f"The database cannot be restored to {_shown(moment)}. It can be restored to {reach}.", hint=hint,
                  issues=[Issue("body.at", f"must be {reach}", "range")])  # fmt: skip


def require_ready(restore: Restore) -> None:
    """Return when the restored database is there and waits. Raises: Conflict `restore_not_ready`."""
    if restore.state is not Phase.READY:
        raise Conflict("restore_not_ready", f"The restore {restore.id} is {restore.state}.", hint="Only one that is ready can be promoted.")


def require_discardable(restore: Restore) -> None:
    """Return when there is something to give up. Raises: Conflict `restore_not_ready`."""
    if restore.state not in {Phase.READY, Phase.FAILED}:
        hint = "It is live now; undo it first: canonry db undo." if restore.state is Phase.PROMOTED else "Wait until that has ended."
        raise Conflict("restore_not_ready", f"The restore {restore.id} is {restore.state}.", hint=hint)


def require_undoable(restore: Restore, moment: datetime) -> None:
    """Return when a promote can be undone. Raises: Conflict `nothing_to_undo`."""
    if restore.state is not Phase.PROMOTED or restore.undo_until is None or restore.undo_until <= moment:
        raise Conflict("nothing_to_undo", f"The restore {restore.id} is {restore.state}, and the database of before it is not kept.",
                       hint=f"A promote can be undone for {UNDO_KEPT.days} days.")  # fmt: skip


def facts(restore: Restore) -> dict[str, object]:
    """Return what events say of a restore."""
    return {
        "state": str(restore.state), "database_id": restore.database_id, "target_id": restore.target_id, "at": restore.at.isoformat(),
        "backup_id": restore.backup_id, "dump_id": restore.dump_id, "pause_ms": restore.pause_ms, "created_by": restore.created_by,
    }  # fmt: skip


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
