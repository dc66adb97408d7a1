"""Requests per second at the last of many hosts against the only host, through a real Caddy.

    python -m bench.edge_hosts [--hosts 10000] [--seconds 0.7] [--rounds 12]

Two Caddies run side by side, one with a single host of each kind, one with all, and are asked in turn in short runs, so that both see the
same weather on a shared machine; the ratio is the median over the rounds. Two kinds of host: an app (the smallest one that answers, so that
Caddy is what limits) and a static site. Caddy's own CPU time per request does not depend on the load generator.
Everything runs on loopback in folders that are removed at the end.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import load
from bench.figures import Figure, report, say
from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree

_KINDS = ("app", "site")


@dataclass(frozen=True)
class _Side:
    """A running Caddy with that many hosts of each kind, and its readings: requests/s and CPU seconds for each."""

    count: int
    home: Home
    settings: Settings
    process: CaddyProcess
    readings: dict[str, list[tuple[float, float]]]


def main() -> None:
    """Measure and report; with `--app`, be the app."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--rounds", type=int, default=12)
    if sys.argv[1:] == ["--app"]:
        asyncio.run(_smallest_app())
        return
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Start the two Caddies and an app, measure in turn."""
    root = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    (root / "site").mkdir()
    (root / "site" / "index.html").write_text("ok\n")
    app = subprocess.Popen([sys.executable, "-m", "bench.edge_hosts", "--app"], stdout=subprocess.PIPE, text=True)
    sides = [_side(root / f"home-{count}", count) for count in (1, chosen.hosts)]
    try:
        address = (app.stdout.readline() if app.stdout else "").strip()
        for side in sides:
            side.process.start()
            _add_hosts(CaddyEdge(side.home, side.settings), side.count, address, root / "site")
        wrong = sum(_read(side, kind, chosen.seconds) for _ in range(chosen.rounds) for kind in _KINDS for side in sides)
    finally:
        app.kill()
        app.wait()
        for side in sides:
            side.process.stop(grace=0)
        remove_tree(root)
    for kind in _KINDS:
        yield _ratio(kind, *sides)
    yield Figure("  wrong answers of the edge meanwhile", "", wrong, 0)


def _side(root: Path, count: int) -> _Side:
    home, settings = Home(root), Settings(home=root, http_port=free_port())
    home.create()
    return _Side(count, home, settings, CaddyProcess(home, settings), {kind: [] for kind in _KINDS})


def _add_hosts(edge: CaddyEdge, count: int, address: str, site: Path) -> None:
    for number in range(count):
        edge.point(f"app-{number:06}.example.test", [address])
        edge.serve_site(f"site-{number:06}.example.test", site)


def _read(side: _Side, kind: str, seconds: float) -> int:
    before = caddy_cpu(side.process)
    run = load.run("127.0.0.1", side.settings.http_port, f"{kind}-{side.count - 1:06}.example.test", seconds=seconds)
    side.readings[kind].append((run.rate, (caddy_cpu(side.process) - before) / run.requests))
    return run.wrong


def _ratio(kind: str, one: _Side, many: _Side) -> Figure:
    for side in (one, many):
        rates, cpus = zip(*side.readings[kind], strict=True)
        rate = f"{statistics.median(rates):6,.0f} requests/s ({min(rates):,.0f}-{max(rates):,.0f})"
        say(f"{kind:4}  the last of {side.count:6,} hosts  {rate}  {statistics.median(cpus) * 1e6:4.0f} us of Caddy each")
    pairs = list(zip(one.readings[kind], many.readings[kind], strict=True))
    by_rate = statistics.median(second[0] / first[0] for first, second in pairs)
    by_cpu = statistics.median(first[1] / second[1] for first, second in pairs)
    say(f"{kind:4}  ratio {by_rate:.2f} by rate, {by_cpu:.2f} by CPU time")
    return Figure(f"edge, last of {many.count:,} hosts against 1: {kind}", "", by_rate, 0.6, at_least=True,
                  count=f"{len(pairs)} rounds; {by_cpu:.2f} by CPU time")  # fmt: skip


def caddy_cpu(process: CaddyProcess) -> float:
    """Return the cpu time that Caddy has used so far, in seconds."""
    times = psutil.Process(process.find()).cpu_times()
    return times.user + times.system


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _SmallestApp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            _, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nok\n")


async def _smallest_app() -> None:
    server = await asyncio.get_running_loop().create_server(_SmallestApp, "127.0.0.1", 0)
    print(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
