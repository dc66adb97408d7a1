"""How fast the edge says whether a name may have a certificate, and how many unknown names a second it refuses.

    python -m bench.ask [--names 10000] [--seconds 5] [--connections 4]

A Caddy runs alone, without Canonry's Python and without a database; what it asks itself in a handshake is asked here over the same address.
A socket stands where Canonry's web process would listen, and counts who comes. Every unknown name is asked for once only.
"""

import argparse
import http.client
import multiprocessing
import random
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.edge_hosts import caddy_cpu, free_port
from bench.figures import Figure, percentile, report, say
from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess
from canonry.adapters.edge.caddy.tls import ASK_PATH
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree, write_atomic

_BATCH = 50  # questions that are sent before answers are awaited


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=4)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Start a Caddy with that many permitted names, ask."""
    root = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    home, settings = Home(root), Settings(home=root, http_port=free_port(), https_port=free_port(), tls="internal")
    home.create()
    process, visitors = CaddyProcess(home, settings), _Visitors(home.web_socket)
    try:
        home.permits.mkdir(parents=True)
        for number in range(chosen.names):
            write_atomic(home.permits / f"name-{number}.example.test", "active", sync=False)
        CaddyEdge(home, settings).point("shop.localhost", ["127.0.0.1:1"])
        process.start()
        yield from _latency(settings.http_port, chosen.names)
        yield from _rate(settings.http_port, chosen, process)
        yield Figure("  questions that reached Python meanwhile", "", visitors.count, 0)
    finally:
        process.stop(grace=0)
        visitors.close()
        remove_tree(root)


def _latency(port: int, names: int) -> Iterator[Figure]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for kind, status in (("permitted", 200), ("unknown", 403)):
        times = []
        for _ in range(3000):
            name = f"name-{random.randrange(names)}.example.test" if status == 200 else f"{secrets.token_hex(8)}.example.test"
            begun = time.perf_counter()
            connection.request("GET", f"{ASK_PATH}?domain={name}")
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - begun) * 1000)
            if answer.status != status:
                raise AssertionError(f"{name}: {answer.status}")
        say(f"{kind}: p50 {percentile(times, 50):.2f} ms, p99 {percentile(times, 99):.2f} ms")
        yield Figure(f"ask for a {kind} name, p99", "ms", percentile(times, 99), 5, count=f"{len(times)} times")


def _rate(port: int, chosen: argparse.Namespace, process: CaddyProcess) -> Iterator[Figure]:
    before = caddy_cpu(process)
    with multiprocessing.Pool(chosen.connections) as pool:
        begun = time.monotonic()
        refused = sum(pool.starmap(_flood, [(port, chosen.seconds)] * chosen.connections))
        took = time.monotonic() - begun
    cost = (caddy_cpu(process) - before) / refused * 1e6
    say(f"{refused:,} unknown names refused in {took:.1f} s, {cost:.0f} us of Caddy each")
    yield Figure(
        "unknown names refused a second", "", refused / took, 10_000, at_least=True, count=f"{refused:,} names, {cost:.0f} us each"
    )


def _flood(port: int, seconds: float) -> int:
    """Ask for names that nobody knows, many at once on one connection; return how many were refused."""
    done, end = 0, time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        while time.monotonic() < end:
            names = [f"{secrets.token_hex(8)}.example.test" for _ in range(_BATCH)]
            connection.sendall(b"".join(f"GET {ASK_PATH}?domain={name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for name in names))
            answer = b""
            while answer.count(b"HTTP/1.1 ") < _BATCH or not answer.endswith(b"\r\n\r\n"):
                answer += connection.recv(1 << 16)
            done += answer.count(b"HTTP/1.1 403 ")
    return done


class _Visitors:
    """Listens where the web process would, and counts who comes."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._wait, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _wait(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            self.count += 1
            visitor.close()


if __name__ == "__main__":
    main()
