"""How many requests a second one process of the API answers, with everything on that holds for every request.

    python -m bench.api [--projects 5000] [--seconds 1] [--connections 16]

A PostgreSQL of its own with one organization and its projects; the web part of Canonry as one process on a unix socket
(bench/api_server.py), its rate limit raised; the clients in this process, over kept connections. What looking up the token costs is
measured against a second such process that knows the caller: the two are asked in turn for a second each, because the machine is quicker in
one minute than in the next, and the median of the ratios counts.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import api_server, load
from bench.figures import Figure, percentile, report, say
from canonry.core.access import Scope
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features import accounts, tokens
from canonry.infra.files import remove_tree
from canonry.infra.migrations import migrate, migrations_folder
from canonry.infra.postgres import Postgres
from canonry.wiring.container import open_container

_ROUNDS = 15


@dataclass(frozen=True)
class Server:
    """One process that serves."""

    socket: Path
    process: subprocess.Popen[bytes]

    def busy(self) -> float:
        """Return the seconds of CPU it has used."""
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))

    def ask(self, path: str, token: str, chosen: argparse.Namespace) -> load.Figures:
        """Ask for one address for a while. Raises: RuntimeError when an answer is not 200."""
        head = f"Authorization: Bearer {token}\r\n"
        run = load.run(self.socket, 0, "localhost", connections=chosen.connections, seconds=chosen.seconds, path=path, head=head)
        if run.wrong:
            raise RuntimeError(f"{path}: {run.wrong} wrong answers: {run.faults}")
        return run


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--connections", type=int, default=16)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Fill the database, serve it twice, ask in turn."""
    folder = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    home = Home(folder / "home")
    home.create()
    postgres = Postgres(home)
    try:
        postgres.ensure()
        migrate(postgres.url, migrations_folder())
        token = _fill(home, postgres.url, chosen.projects)
        with _serving(home, postgres.url, folder / "a") as server, _serving(home, postgres.url, folder / "b", "--known") as knowing:
            for target in (server, knowing):
                load.run(
                    target.socket, 0, "localhost", seconds=1, path="/v1/projects/project-77", head=f"Authorization: Bearer {token}\r\n"
                )
            yield from _one((server, knowing), ("/v1/projects/project-77", "GET /v1/projects/{slug}"), 1000, token, chosen)
            yield from _one((server, knowing), ("/v1/projects", f"GET /v1/projects, 50 of {chosen.projects:,}"), 600, token, chosen)
    finally:
        postgres.stop()
        remove_tree(folder)


def _one(servers: tuple[Server, Server], asked: tuple[str, str], target: int, token: str, chosen: argparse.Namespace) -> Iterator[Figure]:
    path, name = asked
    rates: tuple[list[float], list[float]] = [], []
    busy: tuple[list[float], list[float]] = [], []
    times: list[float] = []
    for number in range(_ROUNDS):
        for which in (0, 1) if number % 2 else (1, 0):
            before = servers[which].busy()
            run = servers[which].ask(path, token, chosen)
            rates[which].append(run.rate)
            busy[which].append((servers[which].busy() - before) / run.requests * 1e6)
            times += [] if which else run.times
    costs = [(free / own - 1) * 100 for own, free in zip(*rates, strict=True)]
    (own, free), (work, less) = map(statistics.median, rates), map(statistics.median, busy)
    say(f"{name}: {own:,.0f}/s, {work:.0f} µs of CPU each; {free:,.0f}/s, {less:.0f} µs for a caller who is known")
    count = f"{_ROUNDS} times {chosen.seconds:g} s, {chosen.connections} connections"
    yield Figure(name, "requests/s", own, target, at_least=True, count=count)
    yield Figure(
        f"{name}: 99th percentile", "ms", percentile(times, 99) * 1000, 60 if target == 600 else None, count=f"{len(times):,} requests"
    )
    yield Figure(f"{name}: authentication adds", "%", statistics.median(costs), 15, count=count)


def _fill(home: Home, url: Secret, projects: int) -> str:
    container = open_container(Settings(home=home.root), url)
    with container.transactions.begin() as tx:
        user_id, organization_id = accounts.create_owner(tx, email="ada@example.com", name="Ada", handle="ada", organization_name="Ada")
        token = tokens.create_token(tx, organization_id=organization_id, user_id=user_id, name="bench", scope=Scope.ADMIN)
        tx.connection.execute(
            """INSERT INTO projects (id, organization_id, slug, name, created_at)
               SELECT 'prj_' || lpad(to_hex(n), 16, '0'), %s, 'project-' || n, 'Project ' || n, now() - n * interval '1 second'
               FROM generate_series(1, %s) n""",
            (organization_id, projects),
        )
    with container.database.connection() as connection:
        connection.execute("ANALYZE projects")
    container.close()
    return token.reveal()


@contextlib.contextmanager
def _serving(home: Home, url: Secret, socket: Path, *flags: str) -> Iterator[Server]:
    command = [sys.executable, "-m", api_server.__name__, str(home.root), url.reveal(), str(socket), *flags]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""})
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            time.sleep(0.05)
        yield Server(socket, process)
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
