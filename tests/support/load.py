"""Clients that keep asking and count what went wrong, half on kept connections, half on a new connection for each request."""

import asyncio
import collections
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_CLIENTS = 20


@dataclass
class Counts:
    """What the clients saw. lost: requests without a right answer.

    retried: a kept connection was closed under the client, which then asked on a new one, as RFC 9110 (9.2.2) has it for GET.
    """

    right: int = 0
    retried: int = 0
    lost: list[str] = field(default_factory=list)
    texts: collections.Counter[str] = field(default_factory=collections.Counter)


def count_while(action: Callable[[], None], port: int, host: str, *, seconds: float, rate: int, enough: int = 1) -> Counts:
    """Ask `host` `rate` times a second while `action` runs, for at least `seconds` and until `enough` answers were right.

    Returns the counts. A busy machine needs longer for as many; after a minute more it is what it is.
    """
    counts, over = Counts(), threading.Event()

    async def everybody() -> None:
        await asyncio.gather(*[_client(port, host, counts, over, kept=bool(n % 2), pause=_CLIENTS / rate) for n in range(_CLIENTS)])

    clients = threading.Thread(target=asyncio.run, args=(everybody(),), daemon=True)
    clients.start()
    end = time.monotonic() + seconds
    try:
        action()
        while (now := time.monotonic()) < end or (counts.right < enough and now < end + 60):
            time.sleep(0.02)
    finally:
        over.set()
        clients.join(60)
    return counts


async def _client(port: int, host: str, counts: Counts, over: threading.Event, *, kept: bool, pause: float) -> None:
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while not over.is_set():
        started = time.monotonic()
        for _ in range(2):
            reused = connection is not None
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", port)
                status, close, text = await asyncio.wait_for(_ask(*connection, host), 20)
            except (OSError, EOFError) as error:
                if connection:
                    connection[1].close()
                connection = None
                if reused:
                    counts.retried += 1
                    continue
                counts.lost.append(repr(error))
                break
            if status == 200:
                counts.right += 1
                counts.texts[text] += 1
            else:
                counts.lost.append(f"status {status}")
            if close or not kept:
                connection[1].close()
                connection = None
            break
        await asyncio.sleep(max(0.0, pause - (time.monotonic() - started)))
    if connection:
        connection[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> tuple[int, bool, str]:
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split(" ")[1]), headers.get("connection") == "close", body.decode()
