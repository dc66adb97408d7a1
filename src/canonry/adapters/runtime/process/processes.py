"""What the kernel says of processes: which are alive, whose they are, what they use.

Reads /proc; a process that ends meanwhile is no error. What cannot be read for another reason (no free file descriptor, for one) is:
whoever cannot look must not take a process for ended. Raises: OSError.
"""

import contextlib
import functools
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MARK = "\0--hostname\0{}\0"  # the id among the arguments of bubblewrap; whoever starts without it uses the same two arguments


@functools.cache
def boot_id() -> str:
    """Return what names this run of the machine; pids and start times mean nothing in another one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int:
    """Return when the process started (clock ticks since boot), 0 when there is none. With the pid it names a process for ever."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def is_alive(pid: int, ticks: int) -> bool:
    """Say whether the process that had this pid and start time is still running (a zombie is not)."""
    fields = _stat(pid)
    return bool(fields) and int(fields[19]) == ticks and fields[0] not in {"Z", "X"}


def children(pid: int) -> list[int]:
    """Return the direct children, oldest first."""
    try:
        tasks = [entry.name for entry in os.scandir(f"/proc/{pid}/task")]
        return [int(child) for task in tasks for child in _text(f"/proc/{pid}/task/{task}/children").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> list[int]:
    """Return all processes below it, parents before their children."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def marked(instance_id: str) -> list[int]:
    """Return our processes that carry the id: as an argument (sandbox) or in the environment (without one). Parents come first."""
    argument, variable = _MARK.format(instance_id), f"\0CANONRY_INSTANCE={instance_id}\0"
    uid = os.getuid()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if entry.stat().st_uid == uid and (
                argument in _text(f"/proc/{entry.name}/cmdline") or variable in "\0" + _text(f"/proc/{entry.name}/environ")
            ):
                found.append(int(entry.name))
    return sorted(found, key=start_ticks)


def carries(pid: int, instance_id: str) -> bool:
    """Say whether this process has the id among its arguments (guards against a pid that was given to another)."""
    return _MARK.format(instance_id) in _text(f"/proc/{pid}/cmdline")


def parent(pid: int) -> int:
    """Return the parent's pid, 0 when the process is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def to_terminate(main: int) -> list[int]:
    """Return who must get SIGTERM when the command `main` shall end: itself, and below each that does not handle it (a shell) its children.

    A shell without a trap would die and leave its child without a signal; a server that handles it tells its workers itself.
    """
    found = [main]
    if not _handles_term(main):
        for child in children(main):
            found += to_terminate(child)
    return found


def terminate(pids: Iterable[int], grace: float) -> bool:
    """Send SIGTERM and wait until all have ended. Returns False when some have not after `grace` seconds."""
    descriptors = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            descriptors.append(descriptor)
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    try:
        return _wait_for_all(descriptors, grace)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def kill(pid: int) -> None:
    """SIGKILL; a process that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def memory_bytes(pids: Iterable[int]) -> int:
    """Return the proportional set size of all of them together (shared pages count once)."""
    total = 0
    for pid in pids:
        for line in _text(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) << 10
    return total


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the cpu time of all of them together, their ended children included."""
    stats = [fields for pid in pids if (fields := _stat(pid))]
    return sum(int(value) for fields in stats for value in fields[11:15]) / _TICKS


def _handles_term(pid: int) -> bool:
    for line in _text(f"/proc/{pid}/status").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _wait_for_all(descriptors: Iterable[int], timeout: float) -> bool:
    poll = select.poll()
    waiting = set(descriptors)
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + timeout
    while waiting and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            poll.unregister(descriptor)
            waiting.discard(descriptor)
    return not waiting


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the third (state) on; the second may hold spaces and brackets."""
    return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 -- read thousands of times
            return file.read().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
