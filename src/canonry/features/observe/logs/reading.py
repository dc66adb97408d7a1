"""Runtime logs: the lines of all instances of a project, in the order of time, all of them or those with a word in them.

Every line that anybody gets comes through `shown`, which takes the secrets of its release out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canonry.core.masking import Mask
from canonry.core.paths import Home
from canonry.features.deployments import Instance
from canonry.infra import app_logs
from canonry.infra.app_logs import Found, Line

_MOST_SEARCHED = 64 << 20  # bytes looked at for one answer, over all instances
_LEAST_SEARCHED = 1 << 20  # and of each instance, however many there are


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
    """Lines in the order of time.

    offsets: where to go on from, for each instance; older: where to go back from, None when nothing older is left.
    is_all: nothing is left in the direction that was read.
    """

    lines: Sequence[LogLine]
    offsets: dict[str, int]
    older: dict[str, int] | None = None
    is_all: bool = True


@dataclass(frozen=True)
class Source:
    """What is read: the instances, and for each release what takes its secrets out (`deployments.masks`)."""

    home: Home
    instances: Sequence[Instance]
    masks: Mapping[str, Mask]

    def path(self, instance: Instance) -> Path:
        """Return the log of an instance."""
        return self.home.instance_logs / f"{instance.id}.log"

    def chosen(self, process: str | None, instance: str | None) -> "Source":
        """Return only what belongs to that process (`web`, `web.0`) and that instance."""
        kept = [item for item in self.instances if process in {None, item.process, f"{item.process}.{item.index}"}]
        return Source(self.home, [item for item in kept if instance in {None, item.id}], self.masks)

    def shown(self, instance: Instance, line: Line) -> LogLine:
        """Return a line as people may see it."""
        mark = app_logs.CUT if line.ends_inside else ""
        mask = self.masks[instance.release_id]
        text = mask(line.text.removesuffix(mark), begins_inside=line.begins_inside, ends_inside=line.ends_inside) + mark
        moment = datetime.fromtimestamp(line.time, UTC)
        return LogLine(moment, instance.id, f"{instance.process}.{instance.index}", instance.deployment_id, text)


type _Item = tuple[float, int, Instance, Line]


def read_on(source: Source, *, offsets: Mapping[str, int] | None, since: datetime | None, limit: int, word: str = "") -> LogPage:
    """Return up to `limit` lines, the oldest first: on from `offsets` (an instance that is not there: from `since` or its beginning)."""
    found = [(instance, _on(source, instance, offsets or {}, since, limit, word)) for instance in source.instances]
    items = _ordered(found)
    # Beyond what was looked at of one instance may lie lines that are older than others that were found already.
    horizon = min((app_logs.time_at(source.path(instance), part.end) for instance, part in found if not part.is_all), default=float("inf"))
    kept = [item for item in items if item[0] <= horizon][:limit]
    following = {instance.id: part.end for instance, part in found}
    for _time, _order, instance, line in reversed(items[len(kept) :]):
        following[instance.id] = line.offset
    is_all = len(kept) == len(items) and all(part.is_all for _, part in found)
    return LogPage([source.shown(instance, line) for _time, _order, instance, line in kept], following, is_all=is_all)


def read_back(source: Source, *, before: Mapping[str, int] | None, limit: int, word: str = "") -> LogPage:
    """Return the newest `limit` lines, in the order of time: of everything, or of what lies before the offsets `before`."""
    known = [instance for instance in source.instances if before is None or instance.id in before]
    share = max(_LEAST_SEARCHED, _MOST_SEARCHED // max(1, len(known)))
    found = [
        (instance, app_logs.find_back(
            source.path(instance), None if before is None else before[instance.id], word, _accepting(source, instance, None, word),
            limit=limit, most=share, ended=instance.status == "stopped"))
        for instance in known
    ]  # fmt: skip
    items = _ordered(found)
    horizon = max((app_logs.time_at(source.path(instance), part.start) for instance, part in found if not part.is_all), default=0.0)
    kept = [item for item in items if item[0] >= horizon][-limit:]
    older = {instance.id: part.start for instance, part in found}
    for instance in {item[2].id: item[2] for item in items[: len(items) - len(kept)]}.values():
        older[instance.id] = next(part.end for other, part in found if other.id == instance.id)
    for _time, _order, instance, line in reversed(kept):
        older[instance.id] = min(older[instance.id], line.offset)
    is_all = len(kept) == len(items) and all(part.is_all for _, part in found)
    lines = [source.shown(instance, line) for _time, _order, instance, line in kept]
    return LogPage(lines, {instance.id: part.end for instance, part in found}, None if is_all else older, is_all=is_all)


def has_word(line: LogLine, word: str) -> bool:
    """Say whether the word is in the text as it is shown, in any letter case."""
    return word.lower() in line.text.lower()


def _on(source: Source, instance: Instance, offsets: Mapping[str, int], since: datetime | None, limit: int, word: str) -> Found:
    path, ended = source.path(instance), instance.status == "stopped"
    moment = None if instance.id in offsets else since
    after = offsets.get(instance.id, 0 if moment is None else app_logs.offset_since(path, moment))
    if not word:
        return _page(path, after, moment, limit, ended=ended)
    share = max(_LEAST_SEARCHED, _MOST_SEARCHED // len(source.instances))
    accepts = _accepting(source, instance, moment, word)
    return app_logs.find_on(path, after, word, accepts, limit=limit, most=share, ended=ended)


def _page(path: Path, after: int, since: datetime | None, limit: int, *, ended: bool) -> Found:
    """Return the first page with lines from `since` on; before them may lie up to a second of older ones."""
    start = after
    while True:
        page = app_logs.read(path, after, limit, ended=ended)
        recent = tuple(line for line in page.lines if since is None or line.time >= since.timestamp())
        if recent or not page.lines:
            return Found(recent, start, page.next, is_all=len(page.lines) < limit)
        after = page.next


def _accepting(source: Source, instance: Instance, since: datetime | None, word: str) -> app_logs.Accepts:
    def accepts(line: Line) -> bool:
        return (since is None or line.time >= since.timestamp()) and (not word or has_word(source.shown(instance, line), word))

    return accepts


def _ordered(found: Sequence[tuple[Instance, Found]]) -> list[_Item]:
    items = [(line.time, order, instance, line) for order, (instance, part) in enumerate(found) for line in part.lines]
    return sorted(items, key=lambda item: (item[0], item[1], item[3].offset))
