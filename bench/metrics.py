"""What metrics cost: a sample, thirty days of them, and the edge's counting.

    python -m bench.metrics [--projects 10 100] [--samples 6] [--rounds 20] [--seconds 0.4]

A sample: real instances (each a `sleep` in its sandbox), a hundred requests of each project in the edge's log, a PostgreSQL of its own; the
CPU time is that of this Python and of PostgreSQL together. Thirty days: the rows of one project that runs and is visited all the time.
The edge: three Caddies side by side, asked in turn: as it is; without counting; and without counting with Go's own garbage collection,
which is how it was before requests were counted.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from bench import load
from bench.edge_hosts import caddy_cpu, free_port
from bench.figures import Figure, report, say
from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess
from canonry.adapters.edge.caddy import process as caddy_process
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features.observe.metrics import store
from canonry.features.observe.metrics.models import Sample
from canonry.features.observe.metrics.sampler import Sampler
from canonry.infra.files import remove_tree
from canonry.infra.migrations import migrate, migrations_folder
from canonry.infra.postgres import Postgres
from canonry.ports.runtime import InstanceSpec, Resources
from canonry.wiring.container import Container, bootstrap_owner, open_container

_EVERY = 10  # seconds between two samples
_KEPT = {10: 720, 60: 2880, 600: 4320}  # rows of each step


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.4)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Take the samples, write thirty days, ask the edges."""
    for count in chosen.projects:
        with _canonry() as (container, postgres):
            yield _of_samples(container, postgres, count, chosen.samples)
    with _canonry() as (container, _):
        yield _of_thirty_days(container)
    yield from _of_the_edge(chosen.rounds, chosen.seconds)


def _of_samples(container: Container, postgres: int, count: int, samples: int) -> Figure:
    _make_projects(container, count)
    sampler = Sampler(container)
    sampler.sample()
    spent = []
    for number in range(samples):
        _visit(container, count)
        before = _cpu(postgres)
        sampler.sample()
        spent.append(_cpu(postgres) - before)
        say(f"{count} projects, sample {number + 1}: {spent[-1] * 1000:.0f} ms of CPU")
        time.sleep(0.2)
    sampler.close()
    for state in container.ports.runtime.states():
        container.ports.runtime.stop(state.id, 0)
    share = statistics.median(spent) / _EVERY * 100
    return Figure(f"metrics, {count} projects: CPU of a sample every 10 s", "%", share, 0.3 if count <= 10 else 3,
                  count=f"{len(spent)} samples, of one core, PostgreSQL included")  # fmt: skip


def _make_projects(container: Container, count: int) -> None:
    owner = bootstrap_owner(container)
    (container.home.root / "app").mkdir()
    with container.transactions.begin() as tx:
        organization = tx.connection.execute("SELECT id FROM organizations").fetchone()
        for number in range(count):
            values = (f"prj_{number:016x}", organization[0] if organization else owner, f"app-{number}", f"app {number}")
            tx.connection.execute(
                "INSERT INTO projects (id, organization_id, slug, name, status) VALUES (%s, %s, %s, %s, 'running')", values
            )
            tx.connection.execute(
                "INSERT INTO hosts (host, project_id, environment) VALUES (%s, %s, 'production')", (_host(number), values[0])
            )
            tx.connection.execute(
                """INSERT INTO instances (id, project_id, environment, release_id, deployment_id, process, index, status, memory_mb)
                   VALUES (%s, %s, 'production', %s, 'dep_0', 'web', 0, 'healthy', 64)""",
                (_instance(number), values[0], f"rel_{number:016x}"),
            )  # fmt: skip
    for number in range(count):
        name = f"{_instance(number)}-0"
        container.ports.runtime.start(InstanceSpec(
            id=name, app=container.home.root / "app", command="exec sleep 3600", environment={}, resources=Resources(64),
            log=container.home.instance_logs / f"{name}.log", needs_port=False,
        ))  # fmt: skip


def _visit(container: Container, count: int) -> None:
    """Write what Caddy writes for a hundred requests of each project."""
    with (container.home.edge_requests / "caddy-1.log").open("a") as file:
        for number in range(count):
            file.writelines(f'{{"ts":{time.time():.7f},"duration":{random.expovariate(100):.9f},"status":{random.choice((200, 200, 404))},'
                            f'"host":"{_host(number)}"}}\n' for _ in range(100))  # fmt: skip


def _of_thirty_days(container: Container, projects: int = 10) -> Figure:
    _make_rows(container, projects)
    with container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT pg_total_relation_size('metric_samples'), count(*) FROM metric_samples").fetchone()
    size, rows = row or (0, 0)
    return Figure("metrics, 30 days of one project: PostgreSQL", "MB", size / projects / 1e6, 3, count=f"{rows // projects:,} rows")


def _make_rows(container: Container, projects: int) -> None:
    owner = bootstrap_owner(container)
    moment = datetime.now(UTC).replace(second=0, microsecond=0)
    with container.transactions.begin() as tx:
        organization = tx.connection.execute("SELECT id FROM organizations").fetchone()
        for number in range(projects):
            project = f"prj_{number:016x}"
            tx.connection.execute("INSERT INTO projects (id, organization_id, slug, name) VALUES (%s, %s, %s, %s)",
                                  (project, organization[0] if organization else owner, project[4:], project))  # fmt: skip
            series = store.series(tx, [(project, "production")])[project, "production"]
            for step, rows in _KEPT.items():
                store.put(tx, step, [(series, _busy(moment - timedelta(seconds=step * at), step)) for at in range(rows)])


def _busy(at: datetime, step: int) -> Sample:
    requests = random.randint(1, 20) * step
    return Sample(at, looks=step // 10, cpu_seconds=random.random() * step, seconds=step, core_seconds=step,
                  memory=random.randint(1, 1 << 29), memory_most=1 << 29,
                  memory_limit=1 << 29, instances=1, requests=requests, status_2xx=requests,
                  latency={bucket: random.randint(1, requests) for bucket in range(2, 14)})  # fmt: skip


def _of_the_edge(rounds: int, seconds: float) -> Iterator[Figure]:
    root = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    (root / "site").mkdir()
    (root / "site" / "index.html").write_text("ok\n")
    app = subprocess.Popen([sys.executable, "-m", "bench.edge_hosts", "--app"], stdout=subprocess.PIPE, text=True)
    sides = {name: _side(root / name, counts=name == "counting") for name in ("counting", "uncounted", "before")}
    spent: dict[tuple[str, str], list[float]] = {}
    try:
        address = (app.stdout.readline() if app.stdout else "").strip()
        for name, (home, settings, process) in sides.items():
            with mock.patch.object(caddy_process, "GARBAGE", "100" if name == "before" else caddy_process.GARBAGE):
                process.start()
            edge = CaddyEdge(home, settings)
            edge.point("app.example.test", [address])
            edge.serve_site("site.example.test", root / "site")
        for _ in range(rounds):
            for kind in ("app", "site"):
                for name, (_, settings, process) in sides.items():
                    before = caddy_cpu(process)
                    run = load.run("127.0.0.1", settings.http_port, f"{kind}.example.test", seconds=seconds)
                    spent.setdefault((name, kind), []).append((caddy_cpu(process) - before) / run.requests)
    finally:
        app.kill()
        app.wait()
        for _, _, process in sides.values():
            process.stop(grace=0)
        remove_tree(root)
    for kind in ("app", "site"):
        ratios = {other: statistics.median(one / two for one, two in zip(spent["counting", kind], spent[other, kind], strict=True))
                  for other in ("before", "uncounted")}  # fmt: skip
        micro = {name: statistics.median(spent[name, kind]) * 1e6 for name in sides}
        say(f"{kind}: " + ", ".join(f"{name} {value:.0f} us" for name, value in micro.items()) + " of Caddy for a request")
        yield Figure(f"edge, CPU of a request against the edge before metrics: {kind}", "", ratios["before"], 1.05,
                     count=f"{rounds} rounds; {ratios['uncounted']:.2f} against the same without counting")  # fmt: skip


class _Uncounted(CaddyProcess):
    """A Caddy whose configuration says nothing of counting."""

    def _config(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 -- whatever the edge's own takes
        config = super()._config(*arguments, **options)
        config["logging"]["logs"].pop("requests")
        for server in config["apps"]["http"]["servers"].values():
            server.pop("logs")
            for route in server["routes"]:
                route["handle"] = [item for item in route["handle"] if "log_skip" not in item and item["handler"] != "log_append"]
        return config


def _side(root: Path, *, counts: bool) -> tuple[Home, Settings, CaddyProcess]:
    home, settings = Home(root), Settings(home=root, http_port=free_port())
    home.create()
    return home, settings, (CaddyProcess if counts else _Uncounted)(home, settings)


@contextmanager
def _canonry() -> Iterator[tuple[Container, int]]:
    """Give everything of a Canonry but the edge, and the pid of its PostgreSQL."""
    root = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    home = Home(root)
    home.create()
    server = Postgres(home)
    try:
        pid = server.ensure().pid
        url = server.database_url("postgres")
        migrate(url, migrations_folder())
        container = open_container(Settings(home=root, allow_no_sandbox=True), url)
        try:
            yield container, pid
        finally:
            container.close()
    finally:
        server.stop()
        remove_tree(root)


def _cpu(postgres: int) -> float:
    """Return the CPU seconds of this Python and of PostgreSQL with all its processes."""
    found = psutil.Process(postgres)
    server = [found, *found.children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in (process.cpu_times() for process in server))


def _host(number: int) -> str:
    return f"app-{number}.localhost"


def _instance(number: int) -> str:
    return f"ins_{number:016x}"


if __name__ == "__main__":
    main()
