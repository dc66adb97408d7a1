"""Runtime logs: the lines of all instances of a project, in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canonry.core.masking import Mask
from canonry.core.paths import Home
from canonry.features.deployments import Instance
from canonry.infra import app_logs

_TAIL = 512 << 10  # bytes of each log in which the newest lines are looked for


@dataclass(frozen=True)
class LogLine:
    """One line that an instance wrote."""

    ts: datetime
    instance: str
    process: str
    deployment: str
    text: str


@dataclass(frozen=True)
class LogPage:
    """Lines in the order of time, and the offsets to go on from."""

    lines: Sequence[LogLine]
    offsets: dict[str, int]


def read(
    home: Home, instances: Sequence[Instance], masks: Mapping[str, Mask], *, offsets: dict[str, int] | None, since: datetime | None,
    limit: int,
) -> LogPage:  # fmt: skip
    """Return up to `limit` lines: on from `offsets`, or from `since` on, or (neither given) the newest.

    masks: for each release what takes its secrets out (`deployments.masks`). An app writes its own log, so this is the door.
    """
    newest = offsets is None and since is None
    start = dict(offsets or {})
    found: list[tuple[float, int, Instance, app_logs.Line]] = []
    following: dict[str, int] = {}
    for order, instance in enumerate(instances):
        path = home.instance_logs / f"{instance.id}.log"
        page = _page(path, instance, start, since, limit=limit, newest=newest)
        following[instance.id] = page.next
        found += [(line.time, order, instance, line) for line in page.lines]
    found.sort(key=lambda item: (item[0], item[1], item[3].offset))
    shown = found[-limit:] if newest else found[:limit]
    for _time, _order, instance, line in reversed([] if newest else found[limit:]):
        following[instance.id] = line.offset
    return LogPage([_line(instance, line, masks[instance.release_id]) for _time, _order, instance, line in shown], following)


def _page(path: Path, instance: Instance, start: dict[str, int], since: datetime | None, *, limit: int, newest: bool) -> app_logs.Lines:
    ended = instance.status == "stopped"
    if not newest:
        if since is not None and instance.id not in start:
            return _page_since(path, since, limit, ended=ended)
        return app_logs.read(path, start.get(instance.id, 0), limit, ended=ended)
    size = path.stat().st_size if path.exists() else 0
    after = max(0, size - _TAIL)
    lines: list[app_logs.Line] = []
    while True:
        page = app_logs.read(path, after, 10_000, ended=ended)
        lines += page.lines
        if page.next == after or not page.lines:
            return app_logs.Lines(tuple(lines[1 if size > _TAIL else 0 :][-limit:]), page.next)
        after = page.next


def _page_since(path: Path, since: datetime, limit: int, *, ended: bool) -> app_logs.Lines:
    """Return the first page with lines from `since` on; before them may lie up to a second of older ones."""
    after = app_logs.offset_since(path, since)
    while True:
        page = app_logs.read(path, after, limit, ended=ended)
        recent = tuple(line for line in page.lines if line.time >= since.timestamp())
        if recent or not page.lines:
            return app_logs.Lines(recent, page.next)
        after = page.next


def _line(instance: Instance, line: app_logs.Line, mask: Mask) -> LogLine:
    mark = app_logs.CUT if line.ends_inside else ""
    text = mask(line.text.removesuffix(mark), begins_inside=line.begins_inside, ends_inside=line.ends_inside) + mark
    moment = datetime.fromtimestamp(line.time, UTC)
    return LogLine(moment, instance.id, f"{instance.process}.{instance.index}", instance.deployment_id, text)
