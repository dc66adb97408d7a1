"""Limits of memory, processes and cpu for a group of processes, kept by the kernel's control groups (version 2, else version 1).

A group lies at a place that depends on its name only, so it is found again after a restart. Version 2 needs a subtree that is ours
(root, or a systemd unit with `Delegate=yes`); version 1 needs writable controllers. Where neither is there, `why_unavailable()` says so
and the caller limits by other means.
"""

import contextlib
import functools
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PARENT = "canonry"  # all groups are children of this one
_SELF = "canonry-serve"  # version 2: a group with children may hold no process, so ours moves here
_JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'
_PERIOD = 100_000  # microseconds; the share of cpu time is kept within each of them


@dataclass(frozen=True)
class Group:
    """One control group. folders: controller (`memory`, `pids`, `cpu`, `cpuacct`) → its folder; all the same one in version 2."""

    name: str
    folders: Mapping[str, Path]
    version: int

    def add(self, pid: int) -> None:
        """Move a process in; its later children are in it too. Raises: OSError when there is no such process."""
        for folder in self._distinct():
            (folder / "cgroup.procs").write_text(str(pid))

    def joining(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that joins the group and then becomes `argv` (same pid). Exit code 125 when it cannot join."""
        return ["/bin/sh", "-c", _JOIN, "sh", *(str(folder / "cgroup.procs") for folder in self._distinct()), "--", *argv]

    def processes(self) -> list[int]:
        """Return the pids in it, as this machine counts them."""
        found: set[int] = set()
        for folder in self._distinct():
            with contextlib.suppress(OSError):
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        return sorted(found)

    def memory_bytes(self) -> int:
        """Return what is in use, without the file cache the kernel can drop at once."""
        folder = self.folders["memory"]
        used = _number(folder / ("memory.current" if self.version == 2 else "memory.usage_in_bytes"))
        cached = _table(folder / "memory.stat").get("inactive_file" if self.version == 2 else "total_inactive_file", 0)
        return max(used - cached, 0)

    def cpu_seconds(self) -> float:
        """Return the cpu time used so far by everything that was ever in it; 0 where the kernel does not count it."""
        if self.version == 2:
            return _table(self.folders["memory"] / "cpu.stat").get("usage_usec", 0) / 1e6
        return _number(self.folders["cpuacct"] / "cpuacct.usage") / 1e9 if "cpuacct" in self.folders else 0.0

    def was_oom_killed(self) -> bool:
        """Say whether the kernel ended a process in it for being over the memory limit."""
        folder = self.folders["memory"]
        return _table(folder / ("memory.events" if self.version == 2 else "memory.oom_control")).get("oom_kill", 0) > 0

    def kill(self, timeout: float = 5.0) -> None:
        """SIGKILL everything in it, what is being forked meanwhile included. Returns when it is empty, or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (pids := self.processes()) and time.monotonic() < deadline:
            if self.version == 2:
                with contextlib.suppress(OSError):  # kernels before 5.14 have no such file
                    (self.folders["memory"] / "cgroup.kill").write_text("1")
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def remove(self) -> bool:
        """Delete the group when it is empty (waits up to 0.5 s for ending processes). Returns False when something still runs in it."""
        removed = [_remove(folder) for folder in self._distinct()]  # every one of them, also after one that cannot be
        return all(removed)

    def _distinct(self) -> list[Path]:
        return list(dict.fromkeys(self.folders.values()))


def create(name: str, memory_mb: int, processes: int, cpu: float | None = None) -> Group | None:
    """Make (or find and set anew) the group `name` with limits in MiB, count and cores; None where the machine does not let us.

    name: letters, digits, `-` and `_`. cpu None: no limit of its own. A controller that is missing limits nothing; memory is always there.
    """
    version, parents = _parents()
    if "memory" not in parents:
        return None
    group = Group(name, {controller: parent / name for controller, parent in parents.items()}, version)
    try:
        for folder in group.folders.values():
            folder.mkdir(exist_ok=True)
        (_limit_v2 if version == 2 else _limit_v1)(group, memory_mb << 20, processes, cpu)
    except OSError:
        group.remove()
        return None
    return group


def find(name: str) -> Group | None:
    """Return the group `name` when it is there."""
    version, parents = _parents()
    folders = {controller: parent / name for controller, parent in parents.items() if (parent / name).is_dir()}
    return Group(name, folders, version) if "memory" in folders else None


def names(prefix: str = "") -> list[str]:
    """Return the names of all groups that begin with `prefix`; those of other Canonrys on this machine too."""
    _, parents = _parents()
    if "memory" not in parents:
        return []
    return sorted(entry.name for entry in os.scandir(parents["memory"]) if entry.is_dir() and entry.name.startswith(prefix))


def why_unavailable() -> str:
    """Return an empty string when groups can be made here, else the reason in one sentence."""
    version, parents = _parents()
    if "memory" in parents:
        return ""
    if version == 0:
        return "No control groups are mounted on this machine."
    return ("The control groups of this machine are not writable for this user; memory is watched instead of limited. "
            "Run Canonry as a systemd unit with Delegate=yes.")  # fmt: skip


def _limit_v2(group: Group, memory: int, processes: int, cpu: float | None) -> None:
    folder = group.folders["memory"]
    (folder / "memory.max").write_text(str(memory))
    _write_where_there(folder / "memory.swap.max", "0")
    _write_where_there(folder / "memory.oom.group", "1")
    _write_where_there(folder / "pids.max", str(processes))
    _write_where_there(folder / "cpu.max", f"{int(cpu * _PERIOD)} {_PERIOD}" if cpu else f"max {_PERIOD}")


def _limit_v1(group: Group, memory: int, processes: int, cpu: float | None) -> None:
    folder = group.folders["memory"]
    limits = [folder / "memory.limit_in_bytes", folder / "memory.memsw.limit_in_bytes"]
    if _number(limits[0]) < memory:  # memory must never be above memory and swap together, so growing begins with the second
        limits.reverse()
    for path in limits:
        _write_where_there(path, str(memory))
    if "pids" in group.folders:
        (group.folders["pids"] / "pids.max").write_text(str(processes))
    if "cpu" in group.folders:
        (group.folders["cpu"] / "cpu.cfs_quota_us").write_text(str(int(cpu * _PERIOD) if cpu else -1))


@functools.cache
def _parents() -> tuple[int, dict[str, Path]]:
    """Return the version and, per controller that we may use, the folder our groups go in."""
    mounts = _mounts()
    if (root := mounts.get("unified")) and (found := _parents_v2(root)):
        return 2, found
    version_1 = {controller: mounts[controller] for controller in ("memory", "pids", "cpu", "cpuacct") if controller in mounts}
    own = _own_groups()
    found = {}
    for controller, root in version_1.items():
        places = (root / _PARENT, root / own.get(controller, "/").lstrip("/") / _PARENT)
        if usable := next((place for place in places if _is_ours(place)), None):
            found[controller] = usable
    return (1 if version_1 else 2 if "unified" in mounts else 0), found


def _parents_v2(root: Path) -> dict[str, Path]:
    own = root / _own_groups().get("", "/").lstrip("/")
    if own.name == _SELF:
        own = own.parent
    for base in dict.fromkeys((own, root)):
        controllers = _words(base / "cgroup.controllers")
        if "memory" in controllers and _hand_down(base, controllers) and _is_ours(base / _PARENT):
            wanted = [controller for controller in ("memory", "pids", "cpu") if controller in controllers]
            if _hand_down(base / _PARENT, wanted):
                return dict.fromkeys(wanted, base / _PARENT)
    return {}


def _hand_down(base: Path, controllers: Sequence[str]) -> bool:
    """Let children of `base` have the controllers. A group that holds only our own process is emptied for it."""
    wanted = [controller for controller in ("memory", "pids", "cpu") if controller in controllers]
    if set(wanted) <= set(_words(base / "cgroup.subtree_control")):
        return True
    with contextlib.suppress(OSError):
        if _words(base / "cgroup.procs") == [str(os.getpid())]:
            (base / _SELF).mkdir(exist_ok=True)
            (base / _SELF / "cgroup.procs").write_text("0")
        (base / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in wanted))
        return True
    return False


def _is_ours(folder: Path) -> bool:
    """Say whether we can make `folder` and groups in it (some machines show a writable folder and refuse)."""
    probe = folder / f"probe-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
        probe.mkdir(exist_ok=True)
        probe.rmdir()
    except OSError:
        return False
    return True


def _mounts() -> dict[str, Path]:
    """Return controller → where it is mounted (version 1), and `unified` → where version 2 is."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        place = Path(where.encode().decode("unicode_escape"))
        if kind == "cgroup2":
            found.setdefault("unified", place)
        elif kind == "cgroup":
            found.update({option: place for option in options.split(",") if option in {"memory", "pids", "cpu", "cpuacct"}})
    return found


def _own_groups() -> dict[str, str]:
    """Return controller → path of the group we are in; the empty name is version 2."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _remove(folder: Path) -> bool:
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False


def _write_where_there(path: Path, text: str) -> None:
    if path.exists():
        path.write_text(text)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _table(path: Path) -> dict[str, int]:
    try:
        return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}
    except (OSError, ValueError):
        return {}
