"""What archiving costs, how long a restore takes, how much can be lost: on a real cluster of the kind that projects get.

    python -m bench backups [-- --size-mb 1024 --rounds 4 --seconds 10 --rpo-seconds 130]

Overhead: pgbench (scale 10, 4 clients) alternately without and with archiving (segments copied to the spool, compressed, encrypted and
sent to a folder by this process meanwhile), compared in pairs. Restore: from a table of so many MB to a data folder as it was at a moment,
started and answering.
RPO: a row is committed every half second; at each moment the oldest row that is in no archive yet is so old; the worst is told.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.figures import Figure, report, say
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.backup import base, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key
from canonry.infra.backup.programs import connection_environment
from canonry.infra.backup.pushing import push
from canonry.infra.backup.restoring import restore
from canonry.infra.backup.wal import parse_lsn
from canonry.infra.files import remove_tree
from canonry.infra.postgres.programs import unpack
from canonry.ports.clusters import TIERS, WAL_SEGMENT_BYTES, Clusters, ClusterSpec
from canonry.wiring.clusters import make_clusters


@dataclass(frozen=True)
class Bed:
    """One home with one cluster and its archive."""

    clusters: Clusters
    spec: ClusterSpec
    archive: Archive
    programs: Path
    folder: Path

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Carry out a statement as superuser."""
        with psycopg.connect(self.clusters.admin_url(self.spec.id).reveal(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def shipping(self) -> Iterator[None]:
        """Send segments meanwhile, as the rounds do."""
        stop = threading.Event()

        def send() -> None:
            while not stop.wait(1.0):
                wal.ship(self.clusters.folder(self.spec.id), self.archive)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rpo-seconds", type=int, default=130)
    report(measure, parser)


def measure(options: argparse.Namespace) -> Iterator[Figure]:
    """Yield the figures of all three."""
    with _bed() as bed:
        yield _overhead(bed, options.rounds, options.seconds)
        yield _rpo(bed, options.rpo_seconds)
        yield from _restore(bed, options.size_mb)


@contextmanager
def _bed() -> Iterator[Bed]:
    root = Path(tempfile.mkdtemp(prefix="bench-backups-"))
    home = Home(root / "home")
    home.create()
    clusters = make_clusters(Settings(home=home.root), home)
    spec = ClusterSpec(new_id("db"), clusters.free_port(()), TIERS["small"], sleeps=False)
    try:
        clusters.create(spec)
        clusters.start(spec)
        yield Bed(clusters, spec, Archive(FolderObjects(root / "archive"), new_key(), spec.id), unpack(home.toolchains), root)
    finally:
        for state in clusters.states():
            clusters.remove(state.id)
        clusters.shut_down()
        remove_tree(root)


def _overhead(bed: Bed, rounds: int, seconds: int) -> Figure:
    _pgbench(bed, "--initialize", "--quiet", "--scale=10")
    ratios = []
    for number in range(rounds):
        rates = {}
        for archive in (False, True) if number % 2 else (True, False):
            bed.clusters.start(replace(bed.spec, archive=archive))
            if archive:
                with bed.shipping():
                    rates[archive] = _rate(bed, seconds)
            else:
                rates[archive] = _rate(bed, seconds)
        say(f"without {rates[False]:,.0f} transactions/s, with archiving {rates[True]:,.0f}")
        ratios.append((1 - rates[True] / rates[False]) * 100)
    bed.clusters.start(bed.spec)
    return Figure("archiving: cost on pgbench", "%", statistics.median(ratios), 10, count=f"{rounds} pairs of {seconds} s")


def _rpo(bed: Bed, seconds: int) -> Figure:
    bed.ask("CREATE TABLE ticks (at timestamptz)")
    waiting: list[tuple[float, int]] = []
    worst = 0.0
    end = time.monotonic() + seconds
    with bed.shipping(), psycopg.connect(bed.clusters.admin_url(bed.spec.id).reveal(), autocommit=True) as connection:
        while time.monotonic() < end:
            began = time.monotonic()
            connection.execute("INSERT INTO ticks VALUES (now())")
            row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
            waiting.append((began, parse_lsn(str(row[0]) if row else "0/0")))
            newest = max((segment.number(WAL_SEGMENT_BYTES) for segment in wal.segments(bed.archive)), default=-1)
            waiting = [(at, lsn) for at, lsn in waiting if lsn > (newest + 1) * WAL_SEGMENT_BYTES]
            worst = max(worst, time.monotonic() - waiting[0][0] if waiting else 0.0)
            time.sleep(0.5)
    return Figure("archiving: oldest commit that is in no archive yet (RPO)", "s", worst, 60, count=f"the worst of {seconds} s")


def _restore(bed: Bed, size_mb: int) -> Iterator[Figure]:
    rows = size_mb * 8000
    with bed.shipping():  # else the spool would be full, and the newest segments be let go
        bed.ask(f"CREATE TABLE large AS SELECT n, md5(n::text) || md5((n + 1)::text) AS text FROM generate_series(1, {rows}) AS n")  # noqa: S608
        push(bed.clusters.admin_url(bed.spec.id), bed.clusters.folder(bed.spec.id), bed.archive)
    size = bed.clusters.size_bytes(bed.spec.id) >> 20
    began = time.monotonic()
    backup = base.take(bed.clusters.admin_url(bed.spec.id), bed.archive, bed.programs, backup_id="bak_bench")
    yield Figure(f"base backup of {size} MB", "s", time.monotonic() - began, count=f"once, {backup.size >> 20} MB in the archive")
    bed.ask("UPDATE large SET text = 'right' WHERE n = 1")
    moment = datetime.now(UTC)
    bed.ask("DELETE FROM large WHERE n <= 100000")
    push(bed.clusters.admin_url(bed.spec.id), bed.clusters.folder(bed.spec.id), bed.archive)
    began = time.monotonic()
    target = bed.folder / "home" / "restored"
    restore(bed.archive, backup, target, until=moment, programs=bed.programs)
    beside = ClusterSpec(new_id("db"), bed.clusters.free_port(()), TIERS["small"], archive=False)
    bed.clusters.adopt(beside.id, target)
    bed.clusters.start(beside)
    other = replace(bed, spec=beside)
    if other.ask("SELECT text FROM large WHERE n = 1") != [("right",)] or other.ask("SELECT count(*) FROM large") != [(rows,)]:
        raise AssertionError("what was restored is not what was there")
    yield Figure(f"restore of {size} MB to a moment, answering", "s", time.monotonic() - began, 120, count="once")


def _rate(bed: Bed, seconds: int) -> float:
    found = re.search(r"tps = ([\d.]+)", _pgbench(bed, "--no-vacuum", "--client=4", "--jobs=2", f"--time={seconds}"))
    if found is None:
        raise AssertionError("pgbench tells no rate")
    return float(found[1])


def _pgbench(bed: Bed, *options: str) -> str:
    environment = connection_environment(bed.clusters.admin_url(bed.spec.id))
    done = subprocess.run([str(bed.programs / "pgbench"), *options], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
