"""What a database of its own costs, and how soon it is there.

    python -m bench.databases [--ready 20] [--wakes 40] [--idle 100] [--seconds 8] [--rounds 3]

Ready: from nothing to the first answer that an app gets on its port (the cluster, its login, a connection), a few seconds apart, so that
Canonry has the next one prepared. Waking: from a client's first byte to its first answer, while Canonry runs and while it does not.
Memory: PSS of all processes of clusters that run and that nobody uses, in MB of 10^6 bytes. pgbench (scale 10, its own mix of reads and
writes, 4 clients): through the proxy against the server's own socket, and with segments kept for the archive against without; run in
turn, the median of the ratios.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg

from bench.figures import Figure, figure_of, report, say
from canonry.adapters.clusters.process import ProcessClusters
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree
from canonry.infra.postgres.programs import unpack
from canonry.ports.clusters import ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine

_PASSWORD = "of-the-bench"  # noqa: S105 -- of databases that live for a minute


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ready", type=int, default=20)
    parser.add_argument("--wakes", type=int, default=40)
    parser.add_argument("--idle", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Measure one after the other, in one home."""
    with _home() as (home, clusters):
        with _looked_after(clusters):
            yield from _ready(clusters, chosen.ready)
            yield from _waking(clusters, chosen.wakes, "")
        yield from _waking(clusters, max(chosen.wakes // 4, 1), " while Canonry does not run")
        yield from _load(home, clusters, chosen)
        yield from _idle(home, clusters, chosen.idle)


def _ready(clusters: ProcessClusters, count: int) -> Iterator[Figure]:
    began = time.monotonic()
    first = _new(clusters)
    _ask(first)
    say(f"the first of this home, whose template had to be made: {time.monotonic() - began:.2f} s")
    times = []
    for _ in range(count):
        time.sleep(2.5)
        began = time.monotonic()
        spec = _new(clusters)
        _ask(spec)
        times.append(time.monotonic() - began)
        clusters.remove(spec.id)
    clusters.remove(first.id)  # only now: for a home without any, none is prepared
    yield figure_of("database ready", times, target=500)


def _waking(clusters: ProcessClusters, count: int, when: str) -> Iterator[Figure]:
    spec, times = _new(clusters), []
    for _ in range(count):
        while not clusters.sleep(spec.id):
            time.sleep(0.02)
        began = time.monotonic()
        _ask(spec)
        times.append(time.monotonic() - began)
    clusters.remove(spec.id)
    yield figure_of(f"database wakes{when}", times, high_target=None if when else 500)


def _idle(home: Home, clusters: ProcessClusters, count: int) -> Iterator[Figure]:
    with ThreadPoolExecutor(4) as pool:
        specs = list(pool.map(lambda _: _new(clusters), range(count)))
    time.sleep(20)
    states = [clusters.state(spec.id) for spec in specs]
    memory = [sum(_pss(one) for one in _tree(state.pid)) for state in states if state and state.pid]
    yield Figure(f"{count} idle databases: PSS of each", "MB", statistics.median(memory), 10, high=max(memory), count=f"{len(memory)} run")
    proxy = psutil.Process(int((home.databases / ".proxy.pid").read_text().split()[0]))
    yield Figure(f"{count} idle databases: PSS of the proxy", "MB", _pss(proxy), 12)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda spec: clusters.remove(spec.id), specs))


def _load(home: Home, clusters: ProcessClusters, chosen: argparse.Namespace) -> Iterator[Figure]:
    spec = _new(clusters)
    programs, through = unpack(home.toolchains), {"PGHOST": "127.0.0.1", "PGPORT": str(spec.port)}
    beside = {"PGHOST": str(clusters._folders.place(spec.id).run), "PGPORT": "5432"}  # noqa: SLF001 -- the way no client has
    _pgbench(programs, through, "-i", "-q", "-s", "10")
    for name, options in (("", ()), (", reads only", ("-S",))):
        pairs = []
        for _ in range(chosen.rounds):
            runs = [_transactions(programs, where, chosen.seconds, *options) for where in (beside, through)]
            say(f"pgbench{name}: {runs[0]:.0f} transactions/s at its socket, {runs[1]:.0f} through the proxy")
            pairs.append(runs[1] / runs[0])
        yield Figure(f"pgbench{name}: through the proxy against its socket", "x", statistics.median(pairs), count=f"{chosen.rounds} pairs")
    kept = []
    for _ in range(chosen.rounds):
        runs = []
        for archive in (False, True):
            clusters.start(replace(spec, archive=archive))
            with _emptied(clusters.folder(spec.id) / "spool"):
                runs.append(_transactions(programs, through, chosen.seconds))
        say(f"pgbench: {runs[0]:.0f} transactions/s without an archive, {runs[1]:.0f} with segments kept for it")
        kept.append((1 - runs[1] / runs[0]) * 100)
    yield Figure("pgbench: what keeping segments costs", "%", statistics.median(kept), 10, count=f"{chosen.rounds} pairs")
    clusters.remove(spec.id)


def _transactions(programs: Path, where: Mapping[str, str], seconds: float, *options: str) -> float:
    text = _pgbench(programs, where, "-n", "-c", "4", "-T", f"{seconds:.0f}", *options)
    found = re.search(r"tps = ([0-9.]+)", text)
    return float(found.group(1)) if found else 0.0


def _pgbench(programs: Path, where: Mapping[str, str], *options: str) -> str:
    environment = {**os.environ, **where, "PGUSER": "app_1", "PGPASSWORD": _PASSWORD, "PGDATABASE": "app"}
    return subprocess.run([str(programs / "pgbench"), *options], env=environment, capture_output=True, text=True, check=True).stdout


def _new(clusters: ProcessClusters) -> ClusterSpec:
    """Make and start a cluster with a login."""
    spec = ClusterSpec(new_id("db"), clusters.free_port(()))
    clusters.create(spec)
    clusters.start(spec)
    with psycopg.connect(clusters.admin_url(spec.id).reveal(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE app_1 LOGIN PASSWORD '{_PASSWORD}' IN ROLE app".encode())
        connection.execute("ALTER ROLE app_1 SET role = app")
    return spec


def _ask(spec: ClusterSpec) -> None:
    with psycopg.connect(f"postgresql://app_1:{_PASSWORD}@localhost:{spec.port}/app") as connection:
        connection.execute("SELECT 1")


def _tree(pid: int) -> list[psutil.Process]:
    """Return the server, its children and the sandbox around it."""
    process = psutil.Process(pid)
    above = [one for one in process.parents()[:2] if "bwrap" in one.name()]
    return [*above, process, *process.children()]


def _pss(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


@contextmanager
def _home() -> Iterator[tuple[Home, ProcessClusters]]:
    folder = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    home = Home(folder / "home")
    home.create()
    clusters = clusters_of_this_machine(Settings(home=home.root), home)
    try:
        yield home, clusters
    finally:
        clusters.shut_down()
        remove_tree(folder)


@contextmanager
def _looked_after(clusters: ProcessClusters) -> Iterator[None]:
    """Do once a second what a running Canonry does."""
    over = threading.Event()

    def go_round() -> None:
        while not over.wait(0.5):
            clusters.round()

    thread = threading.Thread(target=go_round)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        clusters.close()


@contextmanager
def _emptied(spool: Path) -> Iterator[None]:
    """Take segments away as the archive would."""
    over = threading.Event()

    def take() -> None:
        while not over.wait(0.5):
            for segment in spool.glob("0*"):
                segment.unlink(missing_ok=True)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
