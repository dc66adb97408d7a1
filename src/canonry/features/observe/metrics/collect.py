"""From the edge's requests and the runtime's instances to samples of ten seconds.

Counting is exact: the cursor of the edge and what was counted up to it are committed together, and whoever finds that somebody else was
faster drops their own count.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from canonry.core.clock import now
from canonry.features import deployments, traffic
from canonry.features.deployments import Instance
from canonry.features.observe.context import Context
from canonry.features.observe.metrics import store
from canonry.features.observe.metrics.latency import bucket_of
from canonry.features.observe.metrics.models import TEN_SECONDS, Sample, merge, start_of
from canonry.features.observe.metrics.store import Owner
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.edge import Request
from canonry.ports.runtime import InstanceState

type _Pair = tuple[Instance, InstanceState]

_UPGRADED = 101  # a WebSocket: it lasts as long as somebody likes, which says nothing about the app


@dataclass
class _Tally:
    """Requests of one host in one step."""

    statuses: Counter[int] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)

    def sample(self, at: datetime) -> Sample:
        """Return it as a sample."""
        return Sample(
            at, requests=self.statuses.total(), status_2xx=self.statuses[2], status_3xx=self.statuses[3], status_4xx=self.statuses[4],
            status_5xx=self.statuses[5], latency=dict(self.latency),
        )  # fmt: skip


def count_requests(context: Context) -> bool:
    """Count what the edge has answered since the last time; return whether there is more to count."""
    with context.transactions.begin() as tx:
        known = store.state(tx)
    page = context.ports.edge.requests(known.requests_cursor)
    if dict(page.cursor) == dict(known.requests_cursor):
        return False
    tallies = _tallied(page.requests)
    with context.transactions.begin() as tx:
        state = store.lock(tx)
        if dict(state.requests_cursor) != dict(known.requests_cursor):
            return True  # somebody else counted these meanwhile
        owners = traffic.owners(tx, {host for host, _ in tallies})
        found = [(owners[host], tally.sample(_moment(step))) for (host, step), tally in tallies.items() if host in owners]
        store.add_totals(tx, _add(tx, found, state))
        store.set_counted(tx, page.cursor)
    return page.more


def _add(tx: Tx, found: Iterable[tuple[Owner, Sample]], state: store.State) -> list[tuple[int, Sample]]:
    """Add samples of ten seconds to those that are there; return them with the numbers of their series. state: as `store.lock` gave it."""
    listed = list(found)
    numbers = store.series(tx, [owner for owner, _ in listed])
    numbered = [(numbers[owner], sample) for owner, sample in listed if owner in numbers]
    parts: dict[tuple[int, datetime], list[Sample]] = {}
    for number, sample in numbered:
        # Not into a minute that has been made already.
        at = sample.at if state.minutes_until is None else max(sample.at, state.minutes_until)
        parts.setdefault((number, at), []).append(sample)
    there = store.at_moments(tx, TEN_SECONDS, parts)
    store.put(tx, TEN_SECONDS, [
        (key[0], merge([*([there[key]] if key in there else []), *samples], key[1])) for key, samples in parts.items()
    ])  # fmt: skip
    return numbered


class Looker:
    """Looks at the instances, and remembers how much cpu time each had used by the last look."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._used: dict[str, float] = {}
        self._looked: float | None = None

    def look(self) -> None:
        """Add a look at every instance to the step that has just ended."""
        at = start_of(now(), TEN_SECONDS) - timedelta(seconds=TEN_SECONDS)
        with self._context.transactions.begin() as tx:
            rows = deployments.all_instances(tx)
        states = {row.id: self._context.ports.runtime.state(row.runtime_id) for row in rows}
        moment = time.monotonic()
        seconds = moment - self._looked if self._looked is not None else 0.0
        used = {state.id: state.cpu_seconds for state in states.values() if state is not None and state.running}
        found = [(owner, _sample(at, pairs, self._cpu_since(pairs, seconds), seconds)) for owner, pairs in _by_owner(rows, states).items()]
        self._used, self._looked = used, moment
        if found:
            with self._context.transactions.begin() as tx:
                _add(tx, found, store.lock(tx))

    def _cpu_since(self, pairs: Sequence[_Pair], seconds: float) -> float:
        """Return the cpu time since the last look. A new one has used all its time since then; before the first look none is known."""
        return sum(max(0.0, state.cpu_seconds - self._used.get(state.id, 0.0)) for _, state in pairs) if seconds else 0.0


def look_at(context: Context, project: Project, environment: str) -> None:
    """Look at the instances of a project that nobody has looked at yet, so that a new deployment has figures at once."""
    with context.transactions.begin() as tx:
        rows = [row for row in deployments.instances(tx, project) if row.environment == environment]
    pairs = _by_owner(rows, {row.id: context.ports.runtime.state(row.runtime_id) for row in rows}).get((project.id, environment))
    if pairs is None:
        return
    seconds = time.time() - min(state.started for _, state in pairs)
    cpu = sum(state.cpu_seconds for _, state in pairs)
    sample = _sample(start_of(now(), TEN_SECONDS), pairs, cpu, seconds)
    with context.transactions.begin() as tx:
        _add(tx, [((project.id, environment), sample)], store.lock(tx))


def _sample(at: datetime, pairs: Sequence[_Pair], cpu: float, seconds: float) -> Sample:
    memory = sum(state.memory_bytes for _, state in pairs)
    return Sample(
        at, looks=1, cpu_seconds=cpu, seconds=seconds, core_seconds=seconds * sum(row.cpu or 1.0 for row, _ in pairs), memory=memory,
        memory_most=memory, memory_limit=sum(row.memory_mb << 20 for row, _ in pairs), instances=len(pairs),
    )  # fmt: skip


def _by_owner(rows: Iterable[Instance], states: Mapping[str, InstanceState | None]) -> dict[Owner, list[_Pair]]:
    found: dict[Owner, list[_Pair]] = {}
    for row in rows:
        state = states.get(row.id)
        if state is not None and state.running:
            found.setdefault((row.project_id, row.environment), []).append((row, state))
    return found


def _tallied(requests: Iterable[Request]) -> dict[tuple[str, int], _Tally]:
    tallies: dict[tuple[str, int], _Tally] = {}
    for request in requests:
        key = request.host, int(request.at // TEN_SECONDS)
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = _Tally()
        tally.statuses[request.status // 100] += 1
        if request.status != _UPGRADED:
            tally.latency[bucket_of(request.seconds)] += 1
    return tallies


def _moment(step: int) -> datetime:
    """Return when that step began; not in the future, when the clock was set back."""
    return min(datetime.fromtimestamp(step * TEN_SECONDS, UTC), start_of(now(), TEN_SECONDS))
