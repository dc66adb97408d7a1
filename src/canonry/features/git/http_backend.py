"""The bridge to `git http-backend`: one CGI process for each request, bodies streamed both ways, nothing held in memory.

Knows no web framework: the other side is anything with the three methods of `Client`.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from canonry.infra.git import git_environment

_log = logging.getLogger(__name__)

_PIECE = 64 << 10
_HELD = 256 << 10
_HEADERS_LIMIT = 32 << 10
_SAID_LIMIT = 8 << 10
_DRAIN_LIMIT = 64 << 20
_END_GRACE = 5.0  # seconds between SIGTERM, on which git removes its lock files, and SIGKILL


class ClientGone(Exception):
    """The other side closed its connection."""


class Client(Protocol):
    """The other side of one request."""

    async def receive(self) -> bytes | None:
        """Return the next piece of the body, None at its end; called again, waits. Raises: ClientGone."""
        ...

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin the answer."""
        ...

    async def send(self, piece: bytes) -> None:
        """Send a piece of the answer's body."""
        ...


@dataclass(frozen=True)
class Exchange:
    """One request for `git http-backend`. repository: a bare repository. path: what follows it, like `/info/refs`.

    headers: content-type, content-length, content-encoding and git-protocol count, in lower case. config, environment: for git and the
    hooks it starts. linger: seconds that git may go on after the client went away with the whole body sent. held: a lock's descriptor
    that git keeps open, or None.
    """

    repository: Path
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    user: str
    config: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    linger: float = 0
    held: int | None = None


async def serve(exchange: Exchange, client: Client) -> None:
    """Answer one request. git and what it started are gone when this returns, whoever went away first."""
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/",
        env=_environment(exchange), start_new_session=True, pass_fds=() if exchange.held is None else (exchange.held,),
    )  # fmt: skip
    whole_body = asyncio.Event()
    feeding = asyncio.create_task(_feed(process, client, whole_body))
    answering = asyncio.create_task(_answer(process, client, whole_body))
    listening = asyncio.create_task(_listen(process))
    try:
        await asyncio.wait({feeding, answering}, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and not answering.done() and whole_body.is_set():
            await asyncio.wait({answering}, timeout=exchange.linger)
        if answering.done():  # all was said: let git end by itself
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_GRACE)
    finally:
        for task in (feeding, answering):
            task.cancel()
        await _end(process)
        said = await listening
        ends = await asyncio.gather(feeding, answering, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, ClientGone):
            raise end
    if said and process.returncode:
        _log.warning("git http-backend for %s ended with %s: %s", exchange.repository.name, process.returncode, said)


def _environment(exchange: Exchange) -> dict[str, str]:
    environment = {**git_environment(config=exchange.config), **exchange.environment}
    environment |= {
        "GIT_PROJECT_ROOT": str(exchange.repository.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_COMMITTER_NAME": exchange.user,
        "GIT_COMMITTER_EMAIL": f"{exchange.user}@canonry",
        "PATH_INFO": f"/{exchange.repository.name}{exchange.path}",
        "QUERY_STRING": exchange.query,
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": exchange.user,
        "REQUEST_METHOD": exchange.method,
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    names = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH", "content-encoding": "HTTP_CONTENT_ENCODING",
             "git-protocol": "GIT_PROTOCOL"}  # fmt: skip
    return environment | {variable: exchange.headers[name] for name, variable in names.items() if name in exchange.headers}


async def _feed(process: asyncio.subprocess.Process, client: Client, whole_body: asyncio.Event) -> None:
    """Pass the body to git. Returns when the client has gone; until then, after the body, it waits for that."""
    stdin = process.stdin
    unread = 0
    with contextlib.suppress(ClientGone):
        while (piece := await client.receive()) is not None:
            if stdin is not None and not piece:
                continue
            if stdin is not None and not stdin.is_closing():
                try:
                    stdin.write(piece)
                    await stdin.drain()
                    continue
                except (OSError, RuntimeError):  # asyncio raises the one, uvloop the other, when the pipe is closed
                    pass
            stdin = None  # git has heard enough; the client wants to send all the same before it listens
            unread += len(piece)
            if unread > _DRAIN_LIMIT:
                break
        if stdin is not None:
            stdin.close()
        whole_body.set()
        while True:
            await client.receive()


async def _answer(process: asyncio.subprocess.Process, client: Client, whole_body: asyncio.Event) -> None:
    """Pass git's answer to the client, not before the client has sent its whole body.

    Servers on the way stop reading a body when the answer begins. Only when git has much to say before it has heard all does it begin
    earlier, or both would wait for ever.
    """
    if process.stdout is None:
        return
    stdout = process.stdout
    status, headers, held = await _read_head(stdout)
    waiting = asyncio.create_task(whole_body.wait())
    reading = asyncio.create_task(stdout.read(_PIECE))
    try:
        while not waiting.done() and len(held) < _HELD:
            await asyncio.wait({waiting, reading}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                if not reading.result():
                    await waiting
                    break
                held += reading.result()
                reading = asyncio.create_task(stdout.read(_PIECE))
        await client.start(status, headers)
        if held:
            await client.send(bytes(held))
        while piece := await reading:
            await client.send(piece)
            reading = asyncio.create_task(stdout.read(_PIECE))
    finally:
        waiting.cancel()
        reading.cancel()


async def _read_head(stdout: asyncio.StreamReader) -> tuple[int, dict[str, str], bytearray]:
    """Return the status and headers of a CGI answer, and what came with them of the body."""
    data = bytearray()
    while b"\r\n\r\n" not in data and len(data) < _HEADERS_LIMIT:
        piece = await stdout.read(_PIECE)
        if not piece:
            return 500, {"Content-Type": "text/plain; charset=utf-8"}, bytearray(b"git could not answer; Canonry's log says why.\n")
        data += piece
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(fields.pop("Status", "200").split(" ", 1)[0])
    return status, fields, bytearray(body)


async def _listen(process: asyncio.subprocess.Process) -> str:
    """Return the end of what git wrote to stderr."""
    kept = bytearray()
    while process.stderr is not None and (piece := await process.stderr.read(_PIECE)):
        kept += piece
        del kept[:-_SAID_LIMIT]
    return kept.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_GRACE)
