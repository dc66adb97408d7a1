"""Requests per second at the last of many hosts against the only host, through a real Caddy.

    python bench/edge_hosts.py [--hosts 10000] [--seconds 3] [--rounds 3]

Both kinds of route are measured, interleaved: an app (the smallest one that answers, so that Caddy is what limits) and a static site.
For each the median rate, Caddy's own CPU time per request (which does not depend on the load generator), and the ratio of the two.
Everything runs on loopback in a folder of its own, which is removed at the end.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import load
import psutil

from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree

_KINDS = ("app", "site")


def main() -> None:
    """Start Caddy and an app, measure with one host, add the others, measure the last, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--app", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.app:
        asyncio.run(_smallest_app())
        return
    root = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    home, settings = Home(root / "home"), Settings(home=root / "home", http_port=_free_port())
    home.create()
    process = CaddyProcess(home, settings)
    app = subprocess.Popen([sys.executable, __file__, "--app"], stdout=subprocess.PIPE, text=True)
    try:
        process.start()
        address = (app.stdout.readline() if app.stdout else "").strip()
        _measure(CaddyEdge(home, settings), process, settings.http_port, address, root, chosen)
    finally:
        app.kill()
        app.wait()
        process.stop(grace=0)
        remove_tree(root)


def _measure(edge: CaddyEdge, process: CaddyProcess, port: int, address: str, root: Path, chosen: argparse.Namespace) -> None:
    (root / "site").mkdir()
    (root / "site" / "index.html").write_text("ok\n")
    counts = (1, chosen.hosts)
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {(kind, count): [] for kind in _KINDS for count in counts}
    wrong = 0
    for _ in range(chosen.rounds):
        for count in counts:
            _set_hosts(edge, count, address, root / "site")
            for kind in _KINDS:
                before = _cpu(process)
                run = load.run("127.0.0.1", port, f"{kind}-{count - 1:06}.example.test", seconds=chosen.seconds)
                figures[kind, count].append((run.rate, (_cpu(process) - before) / run.requests * 1e6))
                wrong += run.wrong
    for kind in _KINDS:
        rates = {count: statistics.median(rate for rate, _ in figures[kind, count]) for count in counts}
        cpus = {count: statistics.median(cpu for _, cpu in figures[kind, count]) for count in counts}
        for count in counts:
            spread = [rate for rate, _ in figures[kind, count]]
            print(f"{kind:4}  {count:6,} hosts, the last  {rates[count]:6,.0f} requests/s ({min(spread):,.0f}-{max(spread):,.0f})"
                  f"  {cpus[count]:4.0f} us of Caddy each")  # fmt: skip
        print(f"{kind:4}  ratio {rates[chosen.hosts] / rates[1]:.2f} by rate, {cpus[1] / cpus[chosen.hosts]:.2f} by CPU time (target 0.6)")
    print(f"wrong answers: {wrong}; load of the machine: {os.getloadavg()[0]:.1f}")


def _set_hosts(edge: CaddyEdge, count: int, address: str, site: Path) -> None:
    known = set(edge.hosts())
    wanted = {f"{kind}-{number:06}.example.test" for kind in _KINDS for number in range(count)}
    for host in known - wanted:
        edge.remove(host)
    for host in sorted(wanted - known):
        if host.startswith("app"):
            edge.point(host, [address])
        else:
            edge.serve_site(host, site)


def _cpu(process: CaddyProcess) -> float:
    times = psutil.Process(process.find()).cpu_times()
    return times.user + times.system


def _free_port() -> int:
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
