"""The process runtime: what `ports.runtime.Runtime` promises, on this machine."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from canonry.adapters.runtime.process import addresses, endings, processes
from canonry.adapters.runtime.process.command import run_command
from canonry.adapters.runtime.process.keeper import Keeper
from canonry.adapters.runtime.process.launch import Launch, Launcher, spawn_detached
from canonry.adapters.runtime.process.records import COMMAND, ENDED, RUNNING, STARTING, Record, Records
from canonry.adapters.runtime.process.watch import Watcher
from canonry.core.errors import Invalid
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra import cgroups, sandbox
from canonry.infra.cgroups import Group
from canonry.ports.builder import LogLine
from canonry.ports.errors import StartFailed
from canonry.ports.runtime import InstanceSpec, InstanceState


class ProcessRuntime:
    """Instances as processes of this machine. Any number of these objects, in any number of processes, may serve one home.

    why_no_sandbox: returns why there is no sandbox here, empty when there is one. make_group: makes a control group, or None.
    folder: where it keeps what it knows, so that things of another kind (databases) are no instances to whoever asks for those.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        why_no_sandbox: Callable[[], str] = sandbox.why_unavailable,
        make_group: Callable[[str, int, int, float | None], Group | None] = cgroups.create,
        folder: Path | None = None,
    ) -> None:
        self._make_group = make_group
        self._folder = folder or home.instances
        self._records = Records(self._folder)
        self._keeper = Keeper(self._records)
        self._launcher = Launcher(settings, why_no_sandbox)
        self._watcher = Watcher(self._settle_ended, self._look_at_memory)

    def start(self, spec: InstanceSpec) -> InstanceState:
        """Start it and return at once; see the port. Takes about 5 ms, the sandbox is ready about 10 ms later."""
        boxed = self._launcher.check(spec)
        while True:
            with self._records.lock(spec.id, make=True):
                known = self._records.read(spec.id)
                record = self._keeper.settle(spec.id) if known else None
                if known and not record:
                    continue  # the leftovers of a crash have been removed, and the lock with them
                if record is None or record.phase != RUNNING:
                    record = self._launch(spec, boxed=boxed)
                return self._measured(self._watched_state(record))

    def run(self, spec: InstanceSpec, log: LogLine, timeout: float) -> int:
        """Run a command to its end; see the port. `spec.log` is not written; $PORT is given only when the specification asks for it."""
        boxed = self._launcher.check(spec)
        with self._records.lock(spec.id, make=True):
            record = self._write_intent(spec, boxed=boxed, phase=COMMAND)
            group = self._make_group(spec.id, spec.resources.memory_mb, spec.resources.processes, spec.resources.cpu)
            try:
                return run_command(Launch(spec, boxed, record.port, group), log, timeout, lambda: self._keeper.kill_all(record))
            except (OSError, Invalid) as error:
                raise _not_started(spec, error) from error
            finally:
                self._keeper.discard(spec.id)

    def state(self, instance_id: str) -> InstanceState | None:
        """Return what that instance is doing; None when nothing is known of it."""
        state = self._known_state(instance_id)
        return self._measured(state) if state is not None and state.running else state

    def states(self) -> list[InstanceState]:
        """Return every instance of this home, those found again after a crash included; nothing is measured."""
        return [state for instance_id in self._records.ids() if (state := self._known_state(instance_id))]

    def stop(self, instance_id: str, grace: float) -> None:
        """End it; see the port. SIGTERM goes to the command itself and past shells that would not pass it on."""
        with self._records.lock(instance_id) as held:
            if held and (record := self._keeper.settle(instance_id)) and record.phase == RUNNING:
                self._keeper.terminate(record, grace)

    def forget(self, instance_id: str) -> None:
        """Drop what is kept of an ended instance; one that still runs is left alone."""
        with self._records.lock(instance_id) as held:
            if held and (record := self._keeper.settle(instance_id)) and record.phase == ENDED:
                self._keeper.discard(instance_id)

    def close(self) -> None:
        """Watch no more. The instances go on; another object finds them."""
        self._watcher.close()

    def _launch(self, spec: InstanceSpec, *, boxed: bool) -> Record:
        record = self._write_intent(spec, boxed=boxed)
        group = self._make_group(spec.id, spec.resources.memory_mb, spec.resources.processes, spec.resources.cpu)
        try:
            child = spawn_detached(Launch(spec, boxed, record.port, group), self._records.status_file(spec.id))
        except (OSError, Invalid) as error:
            self._keeper.discard(spec.id)
            raise _not_started(spec, error) from error
        self._keeper.keep(spec.id, child)
        return self._records.write(replace(record, phase=RUNNING, pid=child.pid, ticks=processes.start_ticks(child.pid)))

    def _write_intent(self, spec: InstanceSpec, *, boxed: bool, phase: str = STARTING) -> Record:
        """Write down what is about to be started, with a port that no other instance has."""
        with self._one_at_a_time():
            port = addresses.free_port(self._taken_ports()) if spec.needs_port else None
            return self._records.write(
                Record(
                    id=spec.id,
                    phase=phase,
                    created=time.time(),
                    boot=processes.boot_id(),
                    log=str(spec.log),
                    memory_mb=spec.resources.memory_mb,
                    processes=spec.resources.processes,
                    port=port,
                    sandboxed=boxed,
                    labels=dict(spec.labels),
                )
            )

    def _taken_ports(self) -> set[int]:
        records = (self._records.read(instance_id) for instance_id in self._records.ids())
        return {record.port for record in records if record and record.port and record.phase != ENDED}

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        descriptor = os.open(self._folder / ".ports", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _known_state(self, instance_id: str) -> InstanceState | None:
        with self._records.lock(instance_id, wait=False) as held:
            record = self._keeper.settle(instance_id) if held else self._records.read(instance_id)
        return None if record is None or record.phase == COMMAND else self._watched_state(record)

    def _watched_state(self, record: Record) -> InstanceState:
        running = record.phase != ENDED  # an end counts once its code and reason are written down, a moment after the process is gone
        state = InstanceState(record.id, running, f"127.0.0.1:{record.port}" if record.port else None, exit_code=record.exit_code,
                              reason=record.reason, started=record.created, labels=record.labels)  # fmt: skip
        if not running or not record.pid:
            return state
        if not self._watcher.watches(record.id):
            self._watcher.add(record.id, record.pid, look=cgroups.find(record.id) is None)
        return replace(state, pid=self._keeper.main_process(record) or record.pid)

    def _measured(self, state: InstanceState) -> InstanceState:
        if group := cgroups.find(state.id):
            return replace(state, memory_bytes=group.memory_bytes(), cpu_seconds=group.cpu_seconds())
        record = self._records.read(state.id)
        pids = self._keeper.pids(record) if record is not None and record.pid else []
        return replace(state, memory_bytes=processes.memory_bytes(pids), cpu_seconds=processes.cpu_seconds(pids))

    def _settle_ended(self, instance_id: str) -> bool:
        """Write down an end as soon as it is noticed. Returns False while somebody else is at work on the instance."""
        with self._records.lock(instance_id, wait=False) as held:
            if held:
                self._keeper.settle(instance_id)
            return held or self._records.read(instance_id) is None

    def _look_at_memory(self, instance_id: str) -> None:
        with self._records.lock(instance_id, wait=False) as held:
            record = self._records.read(instance_id) if held else None
            if record is None or record.phase != RUNNING:
                return
            pids = self._keeper.pids(record)
            if processes.memory_bytes(pids) > record.memory_mb << 20:
                self._keeper.finish(replace(record, killed=endings.over_memory(record.memory_mb)))
            elif len(pids) > record.processes:
                self._keeper.finish(replace(record, killed=f"killed: more than {record.processes} processes"))


def _not_started(spec: InstanceSpec, error: OSError | Invalid) -> StartFailed:
    if isinstance(error, Invalid):
        return StartFailed(error.code, error.message, hint=error.hint)
    return StartFailed("start_failed", f"{spec.id} could not be started: {error}.", hint="See `canonry doctor`, then try again.")
