"""`make bench`: runs every measuring program of this folder, one after the other, and says how busy the machine was meanwhile.

    python -m bench [NAME...]

Each program prints its own figures and their targets; docs/benchmarks.md says how each one is taken. Ends with 1 when one of them fails.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_PROGRAMS = {"__main__", "load"}  # this one, and the load generator that the others use


def main(names: list[str]) -> int:
    """Run the programs of these names, all of them without any. Returns the exit code."""
    programs = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in NOT_PROGRAMS and (not names or path.stem in names)]
    if missing := set(names) - {path.stem for path in programs}:
        print(f"There is no bench/{min(missing)}.py. There are: {', '.join(path.stem for path in programs)}", file=sys.stderr)
        return 2
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    return max([_run(path) for path in programs], default=0)


def _run(path: Path) -> int:
    before, began = os.getloadavg()[0], time.monotonic()
    print(f"\n== {path.stem}", flush=True)
    code = subprocess.run([sys.executable, str(path)], check=False, stdin=subprocess.DEVNULL).returncode
    print(f"   ({time.monotonic() - began:.0f} s; load {before:.1f} before, {os.getloadavg()[0]:.1f} after; ended with {code})", flush=True)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
