"""What a user waits for when data was lost, and what a nightly proof takes: commands typed against a running Canonry.

    python -m bench.restores [--size-mb 100] [--drills 3] [--promotes 3]

Drill: `canonry db drill` on a backup of a database of so many MB, from the command to its end: restored into a throwaway cluster, every
row counted, checksums and indexes checked, the result signed. Restore: `canonry db restore --at` a moment ago, to its end, comparison
included. Promote: a client writes a row every 20 ms, each over a connection of its own; the longest time between two of its answers while
the restored database takes the place of the live one. Whoever is in the middle of a statement at that moment is cut off: how many is told.
"""

import argparse
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from bench.bed import fresh_canonry
from bench.figures import Figure, figure_of, report, say
from tests.support.canonry import Canonry

_COMMAND = [sys.executable, "-m", "canonry.cli.main"]
_ROW = 1_000  # bytes
_FILL = """INSERT INTO t SELECT n, (SELECT string_agg(md5(n::text || part::text), '') FROM generate_series(1, 29) AS part)
    FROM generate_series(1, %s) AS n"""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=100)
    parser.add_argument("--drills", type=int, default=3)
    parser.add_argument("--promotes", type=int, default=3)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Measure one after the other, in one Canonry."""
    with fresh_canonry() as canonry:
        _type(canonry, "projects", "create", "shop")
        url = json.loads(_type(canonry, "db", "create", "--project", "shop", "--json"))["connection_string"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (n integer PRIMARY KEY, text text)")
            connection.execute("CREATE TABLE visits (at timestamptz)")
            rows = chosen.size_mb * 1_000_000 // _ROW
            connection.execute(_FILL, (rows,))
        _type(canonry, "db", "backup", "--project", "shop")
        drills = [_timed(canonry, "db", "drill", "--project", "shop") for _ in range(chosen.drills)]
        yield figure_of(f"drill of a database of {chosen.size_mb} MB", drills, target=20_000)
        restores, pauses = [], []
        for _ in range(chosen.promotes):
            moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ")
            time.sleep(2)
            restores.append(_timed(canonry, "db", "restore", "--at", moment, "--project", "shop"))
            newest = json.loads(_type(canonry, "db", "restores", "--project", "shop", "--json"))[0]["id"]
            with _writing(url) as answers:
                time.sleep(1)
                _type(canonry, "db", "promote", newest, "--project", "shop")
                time.sleep(1)
            pauses.append(max(after - before for before, after in itertools.pairwise(answers)))
            _type(canonry, "db", "backup", "--project", "shop")  # from here on the next restore begins
        yield figure_of(f"restore of {chosen.size_mb} MB to a moment, compared", restores)
        yield figure_of("promote: longest pause of a client", pauses, target=2_000)


@contextmanager
def _writing(url: str) -> Iterator[list[float]]:
    """Give the moments at which a client's rows were answered, while it goes on."""
    answers: list[float] = []
    faults: list[psycopg.Error] = []
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            try:
                with psycopg.connect(url) as connection:
                    connection.execute("INSERT INTO visits VALUES (now())")
            except psycopg.Error as error:
                faults.append(error)
            else:
                answers.append(time.monotonic())

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
    say(f"{len(answers)} rows were written meanwhile, {len(faults)} were cut off")


def _timed(canonry: Canonry, *arguments: str) -> float:
    began = time.monotonic()
    _type(canonry, *arguments)
    return time.monotonic() - began


def _type(canonry: Canonry, *arguments: str) -> str:
    result = subprocess.run(
        [*_COMMAND, *arguments], env=canonry.environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if result.returncode != 0:
        raise RuntimeError(f"canonry {' '.join(arguments)} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


if __name__ == "__main__":
    main()
