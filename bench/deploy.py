"""Deploys and rollbacks with the lock file unchanged: how long from the command to the new content at the edge.

    python -m bench.deploy [--runs 20] [--only static,flask,express]

Each run changes one file and starts `canonry deploy` as a process; a client asks the edge every 5 ms until the new content comes.
"Switch after healthy" is the time from the line "Healthy after" of the build log to the first answer of the new version.
"""

import argparse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench import apps
from bench.bed import Timing, build_log, fresh_canonry, timed
from bench.figures import Figure, figure_of, report, say
from tests.support.canonry import Canonry


@dataclass
class App:
    """One of the three. target, high_target: of its deploys, in milliseconds."""

    name: str
    write: Callable[[Path], Path]
    change: Callable[[Path, str], None]
    target: float
    high_target: float
    switches: list[float] = field(default_factory=list)
    markers: list[str] = field(default_factory=list)

    def deploy(self, canonry: Canonry, folder: Path) -> Timing:
        """Change the app and deploy it."""
        self.markers.append(uuid.uuid4().hex)
        self.change(folder, self.markers[-1])
        return timed(canonry, ["deploy", str(folder), "--project", f"bench-{self.name}"], f"bench-{self.name}", self.markers[-1])


APPS = (
    App("static", apps.write_static, apps.change_static, 500, 1000),
    App("flask", apps.write_flask, apps.change_flask, 1500, 3000),
    App("express", apps.write_express, apps.change_express, 1500, 3000),
)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", default="static,flask,express")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Deploy each app `runs` times, give its figures."""
    with fresh_canonry() as canonry:
        for app in APPS:
            if app.name in chosen.only.split(","):
                yield from _measure_app(canonry, app, chosen.runs)


def _measure_app(canonry: Canonry, app: App, runs: int) -> Iterator[Figure]:
    folder, slug = app.write(canonry.folder / app.name), f"bench-{app.name}"
    first = app.deploy(canonry, folder)
    say(f"{app.name}: first deploy {first.served:.1f} s (installs what is needed; not counted)")
    app.deploy(canonry, folder)
    times = [_deploy_and_note(canonry, app, folder) for _ in range(runs)]
    yield figure_of(f"deploy, lock file unchanged: {app.name}", times, target=app.target, high_target=app.high_target)
    if app.switches:
        yield figure_of(f"switch after healthy: {app.name}", app.switches, target=250)
    same = [timed(canonry, ["deploy", str(folder), "--project", slug], slug, None).ended for _ in range(runs)]
    yield figure_of(f"deploy of unchanged code: {app.name}", same, target=500)
    app.deploy(canonry, folder)  # so that what was live before is another version
    yield figure_of(f"rollback: {app.name}", [_roll_back(canonry, app, slug) for _ in range(runs)], high_target=1000)


def _deploy_and_note(canonry: Canonry, app: App, folder: Path) -> float:
    timing = app.deploy(canonry, folder)
    lines = build_log(canonry, f"bench-{app.name}")
    say(f"{app.name}: served after {timing.served * 1000:.0f} ms, command ended after {timing.ended * 1000:.0f} ms")
    for line in lines:
        at = datetime.fromisoformat(line["ts"]).timestamp() - timing.served_at + timing.served
        say(f"    {at * 1000:5.0f} ms  {line['text'][:100]}")
        if line["text"].startswith("Healthy after") and app.name != "static":
            app.switches.append(timing.served_at - datetime.fromisoformat(line["ts"]).timestamp())
    return timing.served


def _roll_back(canonry: Canonry, app: App, slug: str) -> float:
    """Go back to what was live before: the last two versions take turns."""
    app.markers[-2:] = [app.markers[-1], app.markers[-2]]
    return timed(canonry, ["rollback", "--project", slug], slug, app.markers[-1]).served


if __name__ == "__main__":
    main()
