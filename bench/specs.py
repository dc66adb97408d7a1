"""What the spec commands take in a checkout of 1,000 and of 10,000 specs, as whole processes.

    python -m bench.specs [--runs 7] [--large 10000]

The corpus is made by bench/corpus.py: 6 KB, 8 sections and 20 criteria a file, in a git repository. `warm`: with what an earlier command
kept below `.git`; `no cache`: everything parsed. The memory is the largest resident set of the process and of each process it starts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import corpus
from bench.cli_start import environment_for
from bench.figures import Figure, figure_of, report, say


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="how often each command is run")
    parser.add_argument("--large", type=int, default=10_000, help="how many specs the large corpus has")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Make both corpora and run each command so many times, once before to warm up."""
    with tempfile.TemporaryDirectory(prefix="canonry-bench-") as folder:
        environment = environment_for(folder, 1)
        small, large = Path(folder, "small"), Path(folder, "large")
        for place, count in ((small, 1000), (large, chosen.large)):
            say(f"making {count:,} specs")
            corpus.write(place, count, is_repository=True)
        yield figure_of("canonry spec --help", _times(["--help"], small, environment, chosen.runs), target=80)
        for place, name, warm, cold in ((small, "1,000", 150, 600), (large, f"{chosen.large:,}", 500, 4000)):
            yield figure_of(f"spec status of {name}, warm", _times(["status"], place, environment, chosen.runs), target=warm)
            yield Figure(f"spec status of {name}, warm: memory", "MB", _memory(["status"], place, environment), 120, count="1 time")
            yield figure_of(f"spec lint of {name}, warm", _times(["lint"], place, environment, chosen.runs))
            yield figure_of(f"spec tasks of {name}, warm", _times(["tasks"], place, environment, chosen.runs))
            yield figure_of(f"spec lint of {name}, no cache", _times(["lint", "--no-cache"], place, environment, chosen.runs), target=cold)
            yield figure_of(f"spec search in {name}", _times(["search", "webhook retry"], place, environment, chosen.runs))


def _times(words: list[str], place: Path, environment: dict[str, str], runs: int) -> list[float]:
    _run(words, place, environment)
    return [_run(words, place, environment) for _ in range(runs)]


def _run(words: list[str], place: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "canonry.cli.main", "spec", *words],
        cwd=place,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"spec {' '.join(words)} ended with {done.returncode}")
    return time.perf_counter() - began


def _memory(words: list[str], place: Path, environment: dict[str, str]) -> float:
    """Return the largest resident set of one run, in MB, the median of three."""
    found = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "canonry.cli.main", "spec", *words], cwd=place, env=environment, stdout=subprocess.DEVNULL
        )
        found.append(os.wait4(process.pid, 0)[2].ru_maxrss / 1024)
        process.returncode = 0
    return statistics.median(found)


if __name__ == "__main__":
    main()
