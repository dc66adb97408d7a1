"""uvicorn on a unix socket."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from canonry.web.server import serve_web

type _Send = Callable[[dict[str, Any]], Awaitable[None]]


async def _app(scope: dict[str, Any], _receive: object, send: _Send) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _get(path: Path, target: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_it_answers_on_a_private_socket_and_ends_after_the_requests_under_way(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))

    async def story() -> bytes:
        stop, ready = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve_web(_app, path, stop, ready))
        await asyncio.wait_for(ready.wait(), 60)
        assert path.stat().st_mode & 0o777 == 0o600
        assert (await _get(path, "/")).endswith(b"ok")
        slow = asyncio.create_task(_get(path, "/slow"))
        await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(serving, 10)
        return await slow

    assert asyncio.run(story()).endswith(b"ok")
    assert not path.exists()
