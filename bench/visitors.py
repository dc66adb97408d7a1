"""Visitors who come at a fixed rate, whether or not the answers to earlier ones are there: half keep their connection, half open a new one.

A request on a kept connection that is closed before the first byte of its answer is sent again once on a new connection, as RFC 9110
(9.2.2) lets a client do for GET; it is counted as `repeated`. On a new connection nothing is repeated.
"""

import asyncio
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

_TIMEOUT = 30.0
_MOST = 256  # connections that are kept open and wait for their next request

type _Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Visits:
    """What the visitors saw. late: requests that were sent more than 50 ms after their time (the generator was too slow)."""

    asked: int = 0
    right: int = 0
    repeated: int = 0
    late: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


class Visitors:
    """Ask `host` at 127.0.0.1:port so many times a second, from `start` to `stop`, in a thread of their own."""

    def __init__(self, port: int, host: str, rate: int) -> None:
        self.visits = Visits()
        self._port, self._rate = port, rate
        self._request = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n".encode()
        self._kept: deque[_Connection] = deque(maxlen=_MOST)
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._come()), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> Visits:
        """End, wait for the answers that are due, and return what was seen."""
        self._over.set()
        self._thread.join(_TIMEOUT * 2)
        return self.visits

    async def _come(self) -> None:
        started, number = time.perf_counter(), 0
        due: set[asyncio.Task[None]] = set()
        while not self._over.is_set():
            at = started + number / self._rate
            if (pause := at - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            elif pause < -0.05:
                self.visits.late += 1
            task = asyncio.create_task(self._visit(keep=number % 2 == 0))
            due.add(task)
            task.add_done_callback(due.discard)
            number += 1
            if number % 50 == 0:
                await asyncio.sleep(0)  # also when we are late: let the answers in
        await asyncio.gather(*due)
        for _reader, writer in self._kept:
            writer.close()

    async def _visit(self, *, keep: bool) -> None:
        self.visits.asked += 1
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_TIMEOUT):
                status = await (self._ask_kept() if keep else self._ask_new(keep=False))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.visits.failed[f"{type(error).__name__} ({'kept' if keep else 'new'} connection): {error}"] += 1
            return
        self.visits.seconds.append(time.perf_counter() - began)
        if status == 200:
            self.visits.right += 1
        else:
            self.visits.failed[f"status {status}"] += 1

    async def _ask_kept(self) -> int:
        if not self._kept:
            return await self._ask_new(keep=True)
        connection = self._kept.pop()
        try:
            first = await self._send(connection, keep=True)
        except OSError:
            first = b""
        if not first:  # closed while nobody used it
            connection[1].close()
            self.visits.repeated += 1
            return await self._ask_new(keep=True)
        return await self._read(connection, first, keep=True)

    async def _ask_new(self, *, keep: bool) -> int:
        connection = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            first = await self._send(connection, keep=keep)
        except OSError:
            connection[1].close()
            raise
        if not first:
            connection[1].close()
            raise EOFError("closed before the answer")
        return await self._read(connection, first, keep=keep)

    async def _send(self, connection: _Connection, *, keep: bool) -> bytes:
        """Send the request and return the first line of the answer, empty when the connection was closed instead."""
        reader, writer = connection
        writer.write(self._request + (b"\r\n" if keep else b"Connection: close\r\n\r\n"))
        return await reader.readline()

    async def _read(self, connection: _Connection, first: bytes, *, keep: bool) -> int:
        """Read the rest of the answer, return its status; the connection is kept or closed."""
        reader, writer = connection
        try:
            length, stays = 0, keep
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                name, _, value = line.decode("latin-1").partition(":")
                if name.lower() == "content-length":
                    length = int(value)
                elif name.lower() == "transfer-encoding":
                    raise ValueError("the visitors need answers with a Content-Length")
                elif name.lower() == "connection" and "close" in value.lower():
                    stays = False
            await reader.readexactly(length)
        except (OSError, EOFError, ValueError):
            writer.close()
            raise
        if stays:
            self._kept.append(connection)
        else:
            writer.close()
        return int(first.split()[1])
