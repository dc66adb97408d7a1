"""The watch: once a second it compares what shall run with what runs, and mends the difference.

Dead instances are started again with back-off, drained ones are stopped when their time is over, leftovers of a crash are ended, and
the edge follows what is healthy. Deployments in progress are left to their own job. Everything it does may be done twice.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from canonry.core.clock import now
from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError
from canonry.features import projects, traffic
from canonry.features.deployments import store as deployments
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import health, launch, leading, store
from canonry.features.deployments.models import Instance, Release
from canonry.features.deployments.rules import STABLE_SECONDS, back_off, crash_status
from canonry.infra.app_logs import TimeIndex, remove, trim
from canonry.ports.plans import plan_from_json
from canonry.ports.runtime import InstanceState

_log = logging.getLogger(__name__)
_CHECK_EVERY = 10.0
_CHECK_TIMEOUT = 5.0
_FAILURES_TO_RESTART = 3
_START_SECONDS = 5.0
_TRIM_EVERY = 20.0
_LOG_BYTES = 64 << 20  # kept of each instance's log
_LOG_DAYS = 14  # the log of an ended instance is kept this long


class Watch:
    """Keeps the fleet as it shall be. One at a time in a Canonry (the caller sees to that)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="watch")
        self._busy: dict[str, Future[None]] = {}
        self._next_check: dict[str, float] = {}
        self._faults: dict[str, int] = {}
        self._led: dict[str, list[str]] = {}
        self._times = TimeIndex()
        self._next_trim = 0.0
        self._first = True

    def round(self) -> None:
        """Look once at everything. Slow work (stopping, checking) goes on in the background."""
        runtime = self._context.ports.runtime
        states = {state.id: state for state in runtime.states()}  # before the rows: whatever runs then and has no row is a leftover
        with self._context.transactions.snapshot() as tx:  # else one that goes live between two of these questions seems to be nobody's
            rows = store.everything(tx)
            releases = {release.id: release for release in deployments.live_releases(tx)}
            active = deployments.unfinished_ids(tx)
        for row in rows:
            release = releases.get(row.release_id)
            if row.status == "draining":
                if not _is_last(row, rows, releases):
                    self._drain(row)
            elif release is not None:
                self._keep(row, release, states.get(row.runtime_id))
            elif row.deployment_id not in active:
                self._end(row)
        for state in states.values():
            if not any(row.runtime_id == state.id for row in rows):
                self._in_background(state.id, partial(self._remove, state.id))
        self._fill(releases, rows)
        self._lead(releases, rows)
        self._keep_logs(rows)
        self._tidy(rows)

    def close(self) -> None:
        """Stop looking; what runs goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _drain(self, row: Instance) -> None:
        if row.stop_after is not None and row.stop_after <= now():
            self._in_background(row.id, partial(self._stop, row))

    def _end(self, row: Instance) -> None:
        with self._context.transactions.begin() as tx:
            store.end_leftover(tx, row.id)

    def _fill(self, releases: Mapping[str, Release], rows: Sequence[Instance]) -> None:
        """Give what is live the instances of a process of which it has none, whatever took them away."""
        there = {(row.release_id, row.process) for row in rows if row.status != "draining"}
        for release in releases.values():
            processes: Iterable[str] = release.plan.get("processes") or ()  # not read as a plan: that is much for each second
            if any((release.id, process) not in there for process in processes):
                self._add_missing(release)

    def _add_missing(self, release: Release) -> None:
        with leading.turn(self._context, release.project_id), self._context.transactions.begin() as tx:
            live = deployments.live(tx, release.project_id, release.environment)
            if live is None or live.release_id != release.id:  # it was when we looked
                return
            project = projects.get_any(tx, release.project_id)
            if project.status != "stopped":
                _log.warning("%s %s has no instance left: it gets new ones", project.slug, release.environment)
                launch.add_missing(tx, self._context, project, release, live.id)

    def _keep(self, row: Instance, release: Release, state: InstanceState | None) -> None:
        if state is None or not state.running:
            # Again, after the row: a busy machine may have started it, and gone live with it, since all of them were looked at.
            state = self._context.ports.runtime.state(row.runtime_id)
        running = state is not None and state.running
        if row.status in {"crashed", "crash_loop"}:
            if row.next_start_at is None or row.next_start_at <= now():
                self._in_background(row.id, partial(self._start_again, row, release))
        elif not running and state is None and row.status == "starting" and row.address is None:
            self._in_background(row.id, partial(self._start, row, release))
        elif state is None or (not running and state.reason.startswith("stopped")):
            # The machine or Canonry was restarted: no fault of the app, and its old address may be somebody else's by now.
            if (again := self._renew(row)) is not None:
                self._in_background(row.id, partial(self._start, again, release))
        elif not running:
            self._note_end(row, state.reason)
            if back_off(self._failures_now(row)) == 0:
                self._in_background(row.id, partial(self._start_again, row, release))
        elif self._next_check.get(row.id, 0.0) <= time.monotonic():
            self._next_check[row.id] = time.monotonic() + (0.2 if row.status == "starting" else _CHECK_EVERY)
            self._in_background(row.id, partial(self._check, row, release, state))

    def _note_end(self, row: Instance, reason: str) -> None:
        """Note why an instance ended by itself, and when it starts again."""
        failures = self._failures_now(row)
        _log.warning("%s %s.%d: %s", row.project_id, row.process, row.index, reason)
        with self._context.transactions.begin() as tx:
            store.update(tx, row, {"status": crash_status(failures), "failures": failures, "reason": reason, "address": None,
                                   "next_start_at": now() + timedelta(seconds=back_off(failures))})  # fmt: skip

    def _failures_now(self, row: Instance) -> int:
        """Return how many quick ends in a row it has had, the present one included."""
        return 1 if (now() - row.started_at).total_seconds() > STABLE_SECONDS else row.failures + 1

    def _start_again(self, row: Instance, release: Release) -> None:
        self._context.ports.runtime.stop(row.runtime_id, 0)
        self._context.ports.runtime.forget(row.runtime_id)
        if (again := self._renew(row)) is not None:
            self._start(again, release)

    def _renew(self, row: Instance) -> Instance | None:
        """Make the row ready for another start; None when somebody was quicker: it is gone, ends, or was started already."""
        with self._context.transactions.begin() as tx:
            changes = {"status": "starting", "restarts": row.restarts + 1, "started_at": now(), "next_start_at": None, "address": None}
            return store.get(tx, row.id) if store.update(tx, row, changes) else None

    def _start(self, row: Instance, release: Release) -> None:
        with self._context.transactions.begin() as tx:
            project = projects.get_any(tx, row.project_id)
        try:
            launch.start_one(self._context, project, release, row, self._context.ports.builder.load(release.artifact_id))
        except CanonryError as error:
            self._note_end(row, error.message)
            return
        deadline = time.monotonic() + _START_SECONDS  # whoever visits waits: most apps are up long before the next round
        while time.monotonic() < deadline:
            state = self._context.ports.runtime.state(row.runtime_id)
            if state is None or not state.running:
                return
            if self._check(row, release, state):
                self._follow(release)
                return
            time.sleep(0.05)

    def _check(self, row: Instance, release: Release, state: InstanceState) -> bool:
        """Check one instance, note what has changed, and say whether it is healthy."""
        fault = ""
        if row.process == launch.WEB:
            with self._context.transactions.begin() as tx:
                host = launch.host_of(tx, self._context, row.project_id, row.environment)
            fault = health.check(state.address, host, plan_from_json(release.plan).health_path, timeout=_CHECK_TIMEOUT)
        if not fault:
            self._faults.pop(row.id, None)
            if row.status != "healthy":
                with self._context.transactions.begin() as tx:
                    store.update(tx, row, {"status": "healthy", "address": state.address, "reason": ""})
        elif row.status == "starting":
            with self._context.transactions.begin() as tx:
                timeout = launch.health_timeout(self._context, projects.get_any(tx, row.project_id))
            if (now() - row.started_at).total_seconds() > timeout:
                self._note_end(row, f"not healthy in time: {fault}")
        else:
            self._note_fault(row, fault)
        return not fault

    def _note_fault(self, row: Instance, fault: str) -> None:
        """Note that a healthy instance failed a check: look again soon, and start it again when it goes on failing."""
        self._faults[row.id] = self._faults.get(row.id, 0) + 1
        self._next_check[row.id] = time.monotonic() + 1
        if self._faults[row.id] >= _FAILURES_TO_RESTART:
            self._faults.pop(row.id)
            self._note_end(row, f"unhealthy: {fault}")

    def _lead(self, releases: dict[str, Release], rows: list[Instance]) -> None:
        """Let the edge follow what is healthy; on the first round tell it everything, and take away what nobody owns."""
        for gone in [known for known in self._led if known not in releases]:
            self._led.pop(gone, None)  # stopped, or replaced: should it come back, the edge is told anew
        for release in releases.values():
            addresses = leading.addresses_of([row for row in rows if row.release_id == release.id])
            if self._led.get(release.id) != addresses:
                self._follow(release)
        if self._first:
            self._first = False
            self._lead_the_rest()

    def _lead_the_rest(self) -> None:
        """Tell the edge about hosts that no running release follows: of stopped projects, redirects, and those that nobody owns."""
        known = self._context.ports.edge.hosts()  # before the rows: what is claimed after this look is no leftover
        with self._context.transactions.begin() as tx:
            owned = set(traffic.all_hosts(tx))
            told_otherwise = {*deployments.stopped_projects(tx), *traffic.redirecting(tx)}
        for project_id in sorted(told_otherwise):
            leading.lead_project(self._context, project_id)
        leading.withdraw(self._context, [host for host in known if host not in owned])

    def _follow(self, release: Release) -> None:
        with leading.turn(self._context, release.project_id):
            with self._context.transactions.begin() as tx:
                live = deployments.live(tx, release.project_id, release.environment)
                if live is None or live.release_id != release.id:  # a deployment switched between our two looks
                    return
                if projects.get_any(tx, release.project_id).status == "stopped":
                    return
                hosts = traffic.hosts_of(tx, release.project_id, release.environment)
                rows = [row for row in store.of_release(tx, release.id) if row.process == launch.WEB]
                crashed = bool(rows) and all(row.status in {"crashed", "crash_loop"} for row in rows)
                if release.environment == PRODUCTION:
                    projects.note_crash(tx, release.project_id, crashed=crashed)
                addresses = leading.serving_addresses(tx, release)
            leading.lead(self._context, release, hosts, addresses)
        self._led[release.id] = addresses

    def _keep_logs(self, rows: list[Instance]) -> None:
        """Note which part of each log was written when; now and then free the heads of long ones and drop old ones."""
        for row in rows:
            self._times.note(launch.log_path(self._context, row.id))
        if self._next_trim > time.monotonic():
            return
        self._next_trim = time.monotonic() + _TRIM_EVERY
        for row in rows:
            trim(launch.log_path(self._context, row.id), _LOG_BYTES)
        with self._context.transactions.begin() as tx:
            gone = store.delete_stopped(tx, _LOG_DAYS)
        for name in gone:
            remove(launch.log_path(self._context, name))

    def _tidy(self, rows: list[Instance]) -> None:
        known = {row.id for row in rows}
        for memory in (self._next_check, self._faults):
            for gone in [name for name in memory if name not in known]:
                del memory[gone]

    def _stop(self, row: Instance) -> None:
        self._context.ports.runtime.stop(row.runtime_id, self._context.settings.stop_grace)
        self._context.ports.runtime.forget(row.runtime_id)
        with self._context.transactions.begin() as tx:
            store.stopped(tx, row.id)

    def _remove(self, runtime_id: str) -> None:
        self._context.ports.runtime.stop(runtime_id, self._context.settings.stop_grace)
        self._context.ports.runtime.forget(runtime_id)

    def _in_background(self, name: str, work: Callable[[], object]) -> None:
        """Run `work` in a thread unless something for the same instance is still running."""
        before = self._busy.get(name)
        if before is not None and not before.done():
            return
        self._busy = {key: future for key, future in self._busy.items() if not future.done()}
        self._busy[name] = self._pool.submit(_guarded, work)


def _is_last(row: Instance, rows: Sequence[Instance], releases: Mapping[str, Release]) -> bool:
    """Say whether a draining instance still serves because what takes its place is not healthy (yet): a change of size, scaling down."""
    if row.address is None or row.release_id not in releases:
        return False
    rest = [other for other in rows if (other.release_id, other.process) == (row.release_id, row.process) and other.status != "draining"]
    return bool(rest) and all(other.status != "healthy" for other in rest)


def _guarded(work: Callable[[], object]) -> None:
    """Run background work; what goes wrong is logged, and the next round tries again."""
    try:
        work()
    except CanonryError as error:
        _log.warning("watch: %s", error)
    except Exception:  # noqa: BLE001 -- the edge of a background thread
        _log.exception("watch")
