"""Deploys with a lock file that was never seen before, while every package of it lies in the project's package cache.

    python -m bench.changed_lock [--runs 10] [--only flask,express]

The first deploy installs all additional packages; each later lock holds others of them. The locks are made by uv and npm before the
clock starts.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import apps
from bench.bed import build_log, fresh_canonry
from bench.deploy import APPS
from bench.figures import Figure, figure_of, report, say
from tests.support.canonry import Canonry


@dataclass(frozen=True)
class Locked:
    """How an app's lock file is changed. target: of its deploys, in milliseconds."""

    name: str
    lock: Callable[[Path, tuple[str, ...]], None]
    choices: Callable[[], Sequence[tuple[str, ...]]]
    target: float


LOCKED = (
    Locked("flask", apps.lock_python, apps.choices_of_python, 3000),
    Locked("express", apps.lock_node, apps.choices_of_node, 4000),
)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", default="flask,express")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Deploy each app `runs` times with a new lock, give the figures."""
    with fresh_canonry() as canonry:
        for locked in LOCKED:
            if locked.name in chosen.only.split(","):
                yield _measure_app(canonry, locked, chosen.runs)


def _measure_app(canonry: Canonry, locked: Locked, runs: int) -> Figure:
    app = next(app for app in APPS if app.name == locked.name)
    folder = app.write(canonry.folder / app.name)
    everything, *others = locked.choices()
    locked.lock(folder, everything)
    say(f"{app.name}: first deploy {app.deploy(canonry, folder).served:.1f} s (fills the package cache; not counted)")
    times = []
    for extras in others[:runs]:
        locked.lock(folder, extras)
        times.append(app.deploy(canonry, folder).served)
        installed = [line["text"] for line in build_log(canonry, f"bench-{app.name}") if line["text"].startswith("Installed in")]
        if not installed:
            raise RuntimeError(f"the lock with {extras} was not new: nothing was installed")
        say(f"{app.name} with {', '.join(extras)}: {times[-1] * 1000:.0f} ms ({installed[0]})")
    return figure_of(f"deploy, changed lock file, warm cache: {app.name}", times, target=locked.target)


if __name__ == "__main__":
    main()
