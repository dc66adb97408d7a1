"""Brings records and processes together: adopts what a crash left, notices what ended, kills what must not live on.

Every function here is called with the instance's lock held.
"""

import subprocess
import time
from dataclasses import replace

from canonry.adapters.runtime.process import endings, processes
from canonry.adapters.runtime.process.records import COMMAND, ENDED, RUNNING, STARTING, Record, Records
from canonry.infra import cgroups

_PAUSE = 0.002


class Keeper:
    """Knows the records, and our own children among the processes (they must be waited for)."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def keep(self, instance_id: str, child: subprocess.Popen[bytes]) -> None:
        """Take over the duty to wait for a child of ours."""
        self._children[instance_id] = child

    def settle(self, instance_id: str) -> Record | None:
        """Return the record as it is now true, after writing down what has changed; None when nothing is left of the instance."""
        record = self._records.read(instance_id)
        if record is None or record.phase == COMMAND:
            self.discard(instance_id)
            return None
        if record.phase == ENDED:
            self._remove_group(instance_id)
            return record
        if record.boot != processes.boot_id():
            return self._records.write(replace(record, phase=ENDED, reason="the machine was restarted"))
        if record.phase == STARTING:
            found = self._adopt(record)
            if found is None:
                self.discard(instance_id)
                return None
            record = found
        return record if processes.is_alive(record.pid, record.ticks) else self.finish(record)

    def finish(self, record: Record) -> Record:
        """Kill whatever is left of the instance and write down how it ended."""
        self.kill_all(record)
        self._reap(record.id)
        group = cgroups.find(record.id)
        exit_code, reason = endings.explain(
            record, self._records.status(record.id), out_of_memory=group is not None and group.was_oom_killed()
        )
        record = self._records.write(replace(record, phase=ENDED, exit_code=exit_code, reason=reason))
        self._remove_group(record.id)
        return record

    def terminate(self, record: Record, grace: float) -> Record:
        """Send SIGTERM to the app, wait up to `grace` seconds, then end it."""
        record = self._records.write(replace(record, stopping=True))
        main = self.main_process(record, wait=1.0)
        if main and processes.terminate(processes.to_terminate(main), grace):
            self._wait_for_report(record)
        elif main:
            record = replace(record, killed=f"stopped: killed, it had not ended {grace:g} s after SIGTERM")
        return self.finish(record)

    def main_process(self, record: Record, wait: float = 0.0) -> int | None:
        """Return the pid of the instance's command, None when it is not there. wait: seconds for one that is just starting."""
        deadline = time.monotonic() + wait
        while True:
            above = self._records.status(record.id).init if record.sandboxed else record.pid
            if above and processes.carries(above, record.id) and (found := processes.children(above)):
                return found[0]
            if time.monotonic() >= deadline or not processes.is_alive(record.pid, record.ticks):
                return None
            time.sleep(_PAUSE)

    def pids(self, record: Record) -> list[int]:
        """Return all processes of the instance, those of the sandbox included."""
        if group := cgroups.find(record.id):
            return group.processes()
        return [record.pid, *processes.descendants(record.pid)]

    def kill_all(self, record: Record) -> None:
        """End every process of it at once; last the one that reports the exit code."""
        inside = self._inside(record)
        for pid in inside:
            processes.kill(pid)
        if inside:
            self._wait_for_report(record)
        if group := cgroups.find(record.id):
            group.kill()
            return
        for _ in range(100):
            pids = processes.marked(record.id)
            if not pids:
                break
            for pid in pids:
                processes.kill(pid)
            time.sleep(_PAUSE)

    def discard(self, instance_id: str) -> None:
        """Remove every trace of it: processes, control group, record."""
        if group := cgroups.find(instance_id):
            group.kill()
        else:
            for pid in processes.marked(instance_id):
                processes.kill(pid)
        self._reap(instance_id)
        self._remove_group(instance_id)
        self._records.remove(instance_id)

    def _inside(self, record: Record) -> list[int]:
        """Return whom to kill so that everything but the reporter ends: the sandbox's first process takes all others with it."""
        if not record.sandboxed:
            group = cgroups.find(record.id)
            return [pid for pid in (group.processes() if group else processes.marked(record.id)) if pid != record.pid]
        init = self._records.status(record.id).init
        return [init] if init and processes.carries(init, record.id) else []

    def _wait_for_report(self, record: Record) -> None:
        """Wait until the one that watches over the command has written down its exit code, which it does at once."""
        deadline = time.monotonic() + 1
        while processes.is_alive(record.pid, record.ticks) and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def _adopt(self, record: Record) -> Record | None:
        """Find the process of a start that was cut short. None when there is none (or none that can go on)."""
        pids = processes.marked(record.id)
        status = self._records.status(record.id)
        root = next((pid for pid in pids if processes.parent(pid) not in pids), 0)
        if not root and status.exit_code is None:
            return None
        if root and root == status.init:  # who watched over it was killed too
            return None
        return self._records.write(replace(record, phase=RUNNING, pid=root, ticks=processes.start_ticks(root) if root else 0))

    def _reap(self, instance_id: str) -> None:
        if child := self._children.pop(instance_id, None):
            try:
                child.wait(1)
            except subprocess.TimeoutExpired:
                self._children[instance_id] = child

    def _remove_group(self, instance_id: str) -> None:
        if group := cgroups.find(instance_id):
            group.kill()
            group.remove()
