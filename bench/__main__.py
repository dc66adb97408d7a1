"""`make bench`: runs the measuring programs one after the other and prints all their figures in one table.

    python -m bench [NAME...] [-- OPTION...]

Options behind `--` go to the programs. What they do meanwhile is told on stderr; docs/benchmarks.md says how each figure is taken.
A figure that misses its target is printed as such and is no failure. Exit code: 1 when a program failed, 2 when a name is of none.
"""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, say, table

ROOT = Path(__file__).parents[1]
PROGRAMS = (
    "deploy",
    "changed_lock",
    "failed_requests",
    "idle",
    "edge_hosts",
    "metrics",
    "ask",
    "cli_start",
    "specs",
    "spec_server",
    "runtime_log",
    "api",
    "webhook_replays",
    "databases",
    "backups",
    "restores",
)


def main(arguments: list[str]) -> int:
    """Run the programs of these names, all of them without any. Returns the exit code."""
    names, options = (arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]) if "--" in arguments else (arguments, [])
    if missing := set(names) - set(PROGRAMS):
        say(f"There is no measuring program {min(missing)!r}. There are: {', '.join(PROGRAMS)}")
        return 2
    found: list[Figure] = []
    loads, broken = [], []
    for name in names or PROGRAMS:
        before, began = os.getloadavg()[0], time.monotonic()
        say(f"== {name}")
        if not _run(name, options, found):
            broken.append(name)
        loads.append(f"{name} {before:.1f}-{os.getloadavg()[0]:.1f} ({time.monotonic() - began:.0f} s)")
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(found))
    print(f"\nLoad of the machine before and after each program: {', '.join(loads)}.")
    if broken:
        print(f"Failed, so without (all) figures: {', '.join(broken)}.")
    return 1 if broken else 0


def _run(name: str, options: list[str], found: list[Figure]) -> bool:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, "-m", f"bench.{name}", "--json", *options]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as program:
        found += [Figure(**json.loads(line)) for line in program.stdout or ()]
    return program.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
