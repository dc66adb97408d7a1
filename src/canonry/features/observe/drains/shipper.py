"""Sends what the instances write, in the background: in order for each instance, at least once, and never in the way of an app.

How far each log is sent is kept in the database and noted when the collector has the lines; a crash in between sends the last batch again.
A collector that fails is asked again after 1, 2, 4, … seconds, at most five minutes; what it misses meanwhile is in the logs, as far as
they are kept. What was freed before it could be sent is told in a line of its own.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from canonry.core.clock import now
from canonry.core.errors import CanonryError, TooLarge
from canonry.features import deployments, projects
from canonry.features.deployments import Instance
from canonry.features.observe.context import Context
from canonry.features.observe.drains import http, service, store, syslog, target
from canonry.features.observe.drains.models import Drain, Entry, Target
from canonry.features.observe.logs.reading import Source
from canonry.features.projects import Project
from canonry.infra import app_logs

_log = logging.getLogger(__name__)
_AT_ONCE = 4  # drains that send at the same time
_BATCH_LINES = 500
_BATCH_BYTES = 512 << 10
_PAGE = 25  # lines that are read at once: none is longer than 16 KiB
_BATCHES = 50  # in one turn of a drain; then others may have theirs
_LONGEST_PAUSE = 300.0
_LOOK_EVERY = 3.0  # seconds, while there is no drain that may send


@dataclass(frozen=True)
class _Batch:
    """Lines of one log: from where, to where, and what is to be sent."""

    start: int
    end: int
    entries: Sequence[Entry]

    def name(self, instance: Instance) -> str:
        """Return what names it for ever."""
        return f"{instance.id}:{self.start}-{self.end}"


class Shipper:
    """Gives each drain its turn; `round` is called about once a second and never waits."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="drain")
        self._busy: dict[str, Future[None]] = {}
        self._next_look = 0.0

    def round(self) -> None:
        """Begin to send for every drain that may and is not at it."""
        if time.monotonic() < self._next_look:
            return
        with self._context.transactions.begin() as tx:
            drains = store.due(tx)
        if not drains:  # most Canonrys have none: they do not pay for a look every second
            self._next_look = time.monotonic() + _LOOK_EVERY
        self._busy = {name: future for name, future in self._busy.items() if not future.done()}
        for drain in drains:
            if drain.id not in self._busy:
                self._busy[drain.id] = self._pool.submit(self._guarded, drain)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _guarded(self, drain: Drain) -> None:
        try:
            ship(self._context, drain)
        except CanonryError as error:
            _log.warning("log drain %s: %s", drain.id, error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread: the next round tries again
            _log.exception("log drain %s", drain.id)


def ship(context: Context, drain: Drain) -> None:
    """Send what there is for a drain, up to a number of batches; note how far, or what went wrong."""
    with context.transactions.begin() as tx:
        project = projects.get_any(tx, drain.project_id)
        rows = service.chosen(drain, deployments.logged_instances(tx, project))
        sent = store.positions(tx, drain.id)
    waiting = [row for row in rows if _has_more(context, row, sent.get(row.id, 0))]
    if not waiting:
        _forget(context, drain, sent, rows)
        return
    source = Source(context.home, rows, deployments.masks(context, {row.release_id for row in waiting}))
    opened, turns = service.open_target(context, drain), _BATCHES
    for row in waiting:
        position = sent.get(row.id, 0)
        while turns > 0 and (batch := _next(source, project, row, position)) is not None:
            turns -= 1
            if not _send(context, drain, opened, row, batch):
                return
            position = batch.end


def _send(context: Context, drain: Drain, opened: Target, row: Instance, batch: _Batch) -> bool:
    """Send a batch and note it; return whether it was sent. One that is too large goes in halves."""
    try:
        _deliver(drain, opened, batch.entries, batch.name(row))
    except CanonryError as error:
        with context.transactions.begin() as tx:
            store.note_failure(tx, drain.id, target.reason(error), most=_LONGEST_PAUSE)
        return False
    with context.transactions.begin() as tx:
        store.set_positions(tx, drain.id, {row.id: batch.end})
        if batch.entries:
            store.note_sent(tx, drain.id, len(batch.entries))
    return True


def _deliver(drain: Drain, opened: Target, entries: Sequence[Entry], name: str) -> None:
    if not entries:
        return
    try:
        (http.send if drain.kind == "http" else syslog.send)(opened, entries, name)
    except TooLarge:
        if len(entries) == 1:
            raise
        half = len(entries) // 2
        _deliver(drain, opened, entries[:half], f"{name}/1")
        _deliver(drain, opened, entries[half:], f"{name}/2")


def _next(source: Source, project: Project, row: Instance, position: int) -> _Batch | None:
    """Return the next lines of a log, at most a batch of them; None when there are none."""
    path, ended = source.path(row), row.status == "stopped"
    first = app_logs.first_line(path)
    entries: list[Entry] = []
    start = position
    if first > position:
        entries.append(_gap(project, row, first - position))
        position = first
    size = 0
    while len(entries) < _BATCH_LINES and size < _BATCH_BYTES:
        page = app_logs.read(path, position, min(_PAGE, _BATCH_LINES - len(entries)), ended=ended)
        for line in page.lines:
            shown = source.shown(row, line)
            size += len(shown.text)
            entries.append(Entry(shown.ts, project.slug, row.environment, shown.process, row.id, row.deployment_id, shown.text))
        if page.next == position:
            break
        position = page.next
    return _Batch(start, position, entries) if position > start else None


def _gap(project: Project, row: Instance, size: int) -> Entry:
    text = f"[canonry] {size} bytes of this log were freed before they could be sent"
    return Entry(now(), project.slug, row.environment, f"{row.process}.{row.index}", row.id, row.deployment_id, text, gap=size)


def _has_more(context: Context, row: Instance, position: int) -> bool:
    try:
        return service.log_of(context, row).stat().st_size > position
    except FileNotFoundError:
        return False


def _forget(context: Context, drain: Drain, sent: dict[str, int], rows: Sequence[Instance]) -> None:
    known = {row.id for row in rows}
    if any(name not in known for name in sent):
        with context.transactions.begin() as tx:
            store.forget_positions(tx, drain.id, sorted(known))
