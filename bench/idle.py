"""What Canonry costs while nothing happens: memory and CPU with ten small apps running.

    python -m bench.idle [--apps 10] [--seconds 60]

Memory is PSS (each shared page counted once in all) from `/proc/<pid>/smaps_rollup`, in MB of 10^6 bytes. "Everything but the apps" is
every process that Canonry started less those that run the apps' own programs: its Python, PostgreSQL, Caddy, the bubblewrap processes
around the instances. CPU is in percent of one core.
Half of the apps are static sites (no process), half are small Python servers.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.bed import fresh_canonry
from bench.figures import Figure, report, say
from tests.support.canonry import Canonry, write_server, write_site

_SETTLE = 10.0


@dataclass
class Part:
    """A group of processes. memory: PSS in MB; seconds: of CPU used so far."""

    memory: float = 0.0
    seconds: float = 0.0
    count: int = 0


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apps", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Deploy the apps, let everything settle, look twice."""
    with fresh_canonry() as canonry:
        for number in range(chosen.apps):
            write = write_server if number % 2 else write_site
            canonry.must("deploy", str(write(canonry.folder / f"app-{number}", f"app {number}")))
        time.sleep(_SETTLE)
        before, began = _look(canonry), time.monotonic()
        time.sleep(chosen.seconds)
        after, seconds = _look(canonry), time.monotonic() - began
    for name, part in after.items():
        used = (part.seconds - before[name].seconds) / seconds * 100
        say(f"{name:10} {part.count:3} processes  {part.memory:6.1f} MB  {used:5.2f} % of one core")
    ours = [name for name in after if name != "apps"]
    used = sum(after[name].seconds - before[name].seconds for name in ours) / seconds * 100
    yield Figure(f"idle, {chosen.apps} apps: PSS of Canonry's Python", "MB", after["python"].memory, 120)
    yield Figure(f"idle, {chosen.apps} apps: PSS of everything but the apps", "MB", sum(after[name].memory for name in ours), 220)
    yield Figure(f"idle, {chosen.apps} apps: CPU of everything but the apps", "%", used, 1, count=f"over {seconds:.0f} s, of one core")


def _look(canonry: Canonry) -> dict[str, Part]:
    """Add up all processes of this Canonry: those below its three, and those whose working files lie in its home."""
    pids = {str(process["name"]): int(process["pid"]) for process in canonry.status()["processes"] if process["pid"]}
    parts = {name: Part() for name in ("python", "postgres", "caddy", "bwrap", "apps")}
    for process in _family(canonry, list(pids.values())):
        try:
            part = parts[_kind(process, pids)]
            part.memory += _pss(process.pid)
            times = process.cpu_times()
        except (psutil.Error, OSError):
            continue
        part.seconds += times.user + times.system
        part.count += 1
    return parts


def _family(canonry: Canonry, roots: list[int]) -> list[psutil.Process]:
    """Return every process of this Canonry. The instances are in sessions of their own: their sandbox's command line names the home."""
    home = str(canonry.home)
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.pid in roots or home in " ".join(process.cmdline()):
                found |= {one.pid: one for one in [process, *process.children(recursive=True)]}
        except psutil.Error:
            continue
    return list(found.values())


def _kind(process: psutil.Process, pids: dict[str, int]) -> str:
    if process.pid == pids.get("canonry"):
        return "python"
    above = [process, *process.parents()]
    if "bwrap" in process.name():
        return "bwrap"
    for name in ("postgres", "caddy"):
        if any(one.pid == pids.get(name) for one in above) or process.name().startswith(name):
            return name
    if any("bwrap" in one.name() for one in above[1:]):
        return "apps"
    return "python" if process.name().startswith(("python", "canonry")) else "bwrap"


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    main()
