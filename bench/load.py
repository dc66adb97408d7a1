"""A small, bounded load generator: keep-alive HTTP/1.1 requests over a fixed number of connections, by raw sockets.

    python -m bench.load 127.0.0.1 8080 app.localhost --connections 16 --seconds 3

Prints requests per second, the wrong answers and the slowest one. Python itself tops out near 10,000 requests/s on one core.
"""

import argparse
import asyncio
import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast


@dataclass
class Figures:
    """What came of one run. seconds: of wall time; wrong: answers that were not 200, and connections cut before their answer."""

    requests: int = 0
    wrong: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0


def run(
    address: str | Path,
    port: int,
    host: str,
    *,
    connections: int = 16,
    seconds: float = 3.0,
    path: str | Sequence[str] = "/",
    head: str = "",
    bodies: Sequence[bytes] = (),
) -> Figures:
    """Ask for `path` at `host` over `connections` connections for `seconds` (at most 60), and return the figures.

    address: an address, or the path of a unix socket (then the port means nothing). path: of several, each in its turn, again and again.
    head: further lines of the request's head. bodies: of POSTs, one after the other to each path; without any it is GETs.
    """
    paths = [path] if isinstance(path, str) else path
    requests = [f"GET {one} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n".encode() for one in paths]
    if bodies:
        requests = [
            f"POST {one} HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
            for one in paths for body in bodies
        ]  # fmt: skip
    return asyncio.run(_run(address, port, itertools.cycle(requests), min(connections, 256), min(seconds, 60.0)))


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("host")
    parser.add_argument("--path", default="/")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    chosen = parser.parse_args()
    figures = run(chosen.address, chosen.port, chosen.host, connections=chosen.connections, seconds=chosen.seconds, path=chosen.path)
    print(
        f"{figures.rate:,.0f} requests/s  {figures.requests:,} requests  {figures.wrong:,} wrong  slowest {figures.slowest * 1000:.1f} ms"
    )
    for fault in figures.faults:
        print(f"  {fault}")


class _Client(asyncio.Protocol):
    """One connection that sends the next request when the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], figures: Figures, deadline: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._figures, self._deadline = requests, figures, deadline
        self._buffer, self._sent_at, self._waiting = b"", 0.0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or len(self._buffer) < head + 4 + _content_length(self._buffer[:head]):
            return
        figures, now = self._figures, time.perf_counter()
        figures.requests += 1
        figures.slowest = max(figures.slowest, now - self._sent_at)
        figures.times.append(now - self._sent_at)
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            _fault(figures, self._buffer[:60].decode("latin-1").splitlines()[0])
        self._buffer, self._waiting = b"", False
        if now < self._deadline:
            self._next()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            _fault(self._figures, f"connection cut before the answer: {exc}")
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self._sent_at, self._waiting = time.perf_counter(), True
        self._transport.write(next(self._requests))


async def _run(address: str | Path, port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Figures:
    figures, started = Figures(), time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(connections):
        made = functools.partial(_Client, requests, figures, started + seconds)
        if isinstance(address, Path):
            _, client = await loop.create_unix_connection(made, str(address))
        else:
            _, client = await loop.create_connection(made, address, port)
        clients.append(client)
    await asyncio.wait([client.done for client in clients], timeout=seconds + 30)
    figures.seconds = time.perf_counter() - started
    return figures


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"\r\ncontent-length:")
    if start < 0:
        message = "the load generator needs answers with a Content-Length"
        raise ValueError(message)
    return int(head[start + 17 :].split(b"\r\n", 1)[0])


def _fault(figures: Figures, text: str) -> None:
    figures.wrong += 1
    if len(figures.faults) < 5:
        figures.faults.append(text)


if __name__ == "__main__":
    main()
