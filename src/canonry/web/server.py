"""The web server: uvicorn on a unix socket, in the event loop of the caller."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

_BACKLOG = 2048
_GRACE = 5  # seconds that requests under way (and streams) get when the server stops


async def serve_web(app: Any, path: Path, stop: asyncio.Event, ready: asyncio.Event) -> None:  # noqa: ANN401 -- any ASGI application
    """Serve `app` on the unix socket `path` until `stop` is set; requests under way get a few seconds to end.

    ready: set when requests are answered. A left-over socket of a killed process is replaced in one step, and only the owner may connect.
    """
    with _listen(path) as listener:
        config = uvicorn.Config(
            app, http="httptools", ws="none", lifespan="auto", log_config=None, access_log=False, server_header=False, date_header=False,
            proxy_headers=True, forwarded_allow_ips="*", timeout_graceful_shutdown=_GRACE, timeout_keep_alive=75, backlog=_BACKLOG,
        )  # fmt: skip
        server = _Server(config, stop)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not running.done():  # noqa: ASYNC110 -- uvicorn has no event for this
            await asyncio.sleep(0.005)
        if not running.done():
            ready.set()
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        waiting.cancel()
        await running


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling (the process has one place for that) and without a look at the clock ten times a second."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def main_loop(self) -> None:
        """Wait until it is time to stop."""
        await self.on_tick(0)
        await self._stop.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _listen(path: Path) -> Iterator[socket.socket]:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(temporary))
        temporary.chmod(0o600)
        listener.listen(_BACKLOG)
        temporary.replace(path)
        inode = path.stat().st_ino
        yield listener
        if path.exists() and path.stat().st_ino == inode:
            path.unlink()
    finally:
        listener.close()
