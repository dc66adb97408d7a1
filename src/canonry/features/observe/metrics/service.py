"""What a caller asks for: the samples of a window, and the window as one."""

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import CanonryError, Invalid, Issue
from canonry.core.moments import parse_span
from canonry.features import projects
from canonry.features.observe.context import Context
from canonry.features.observe.environments import check_environment
from canonry.features.observe.metrics import store
from canonry.features.observe.metrics.collect import count_requests, look_at
from canonry.features.observe.metrics.models import MINUTE, TEN_MINUTES, TEN_SECONDS, Sample, merge, resample, start_of
from canonry.features.observe.metrics.rollup import KEPT
from canonry.infra.tx import Tx

_STEPS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 86_400)
_SAMPLES = 360  # as many as a step is chosen for
_MOST_SAMPLES = 5000
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(days=30)
_MEASURED = timedelta(seconds=2 * TEN_SECONDS)  # what has no look that is as young has just been deployed: callers get one at once
_FRESH = 0.25  # seconds: how often callers may make the edge be counted
_PATIENCE = 2.0  # seconds a caller waits for another one who counts: with a database that is away, nobody queues up

_counting = threading.Lock()
_counted: dict[Path, float] = {}  # home → when its edge was counted for a caller


@dataclass(frozen=True)
class Window:
    """Which time is asked for, in steps of how many seconds."""

    length: timedelta
    step: int


@dataclass(frozen=True)
class Metrics:
    """The samples of a window, oldest first, and all of them as one. A step in which nothing ran and nobody came has no sample."""

    start: datetime
    end: datetime
    step: int
    samples: Sequence[Sample]
    total: Sample


def parse_window(window: str, step: str | None = None) -> Window:
    """Read a window (`10m`, `24h`, `30d`) and its step. Raises: Invalid `invalid_window`, `invalid_step`."""
    length = parse_span(window)
    if length is None or not _SHORTEST <= length <= _LONGEST:
        raise Invalid("invalid_window", f"{window!r} is no window.", hint="Write it as 10m, 1h, 24h or 30d: ten seconds to thirty days.",
                      issues=[Issue("query.window", "not a span from 10s to 30d", "window")])  # fmt: skip
    base = _base(length)
    if step is None:
        wanted = length.total_seconds() / _SAMPLES
        return Window(length, next(item for item in _STEPS if item % base == 0 and item >= wanted))
    span = parse_span(step)
    seconds = int(span.total_seconds()) if span is not None else 0
    if seconds not in _STEPS or seconds % base or length.total_seconds() / seconds > _MOST_SAMPLES:
        fitting = ", ".join(f"{item}s" for item in _STEPS if item % base == 0)
        raise Invalid("invalid_step", f"{step!r} is no step for a window of {window}.", hint=f"There are: {fitting}.",
                      issues=[Issue("query.step", "not a step for this window", "step")])  # fmt: skip
    return Window(length, seconds)


def read(context: Context, actor: Actor, key: str, environment: str, window: Window) -> Metrics:
    """Return the metrics of an environment of the caller's project. Raises: NotFound `project_not_found`; Invalid `invalid_environment`."""
    require(actor, Permission.PROJECTS_READ)
    check_environment(environment, "query.environment")
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
    refresh(context)
    end = now()
    start = start_of(end - window.length, window.step)
    with context.transactions.begin() as tx:
        is_measured = store.is_measured(tx, (project.id, environment), end - _MEASURED)
    if not is_measured:
        look_at(context, project, environment)
    with context.transactions.begin() as tx:
        number = store.find_series(tx, (project.id, environment))
        found = [] if number is None else store.window(tx, number, _ranges(tx, window, start, end))
    return Metrics(start, end, window.step, resample(found, window.step), merge(found, start))


def refresh(context: Context) -> None:
    """Count what the edge has answered by now, unless somebody did so just now. A failure leaves it to the sampler."""
    if not _counting.acquire(timeout=_PATIENCE):
        return
    try:
        if time.monotonic() - _counted.get(context.home.root, 0.0) < _FRESH:
            return
        with contextlib.suppress(CanonryError):
            count_requests(context)
        _counted[context.home.root] = time.monotonic()
    finally:
        _counting.release()


def _ranges(tx: Tx, window: Window, start: datetime, end: datetime) -> list[tuple[int, datetime, datetime]]:
    """Return which steps to read for which time: the coarse ones as far as they are made, then the finer ones."""
    state = store.state(tx)
    base, after = _base(window.length), end + timedelta(days=1)
    tens = max(start, state.tens_until or start) if base == TEN_MINUTES else start
    minutes = max(tens, state.minutes_until or start) if base != TEN_SECONDS else start
    return [(TEN_MINUTES, start, tens), (MINUTE, tens, minutes), (TEN_SECONDS, minutes, after)]


def _base(length: timedelta) -> int:
    """Return the finest step that is kept for so long. The step in which the window begins has to be there, too."""
    return next((step for step, kept in KEPT.items() if length + timedelta(seconds=step) < kept), TEN_MINUTES)
