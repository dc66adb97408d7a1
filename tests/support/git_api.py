"""A small real API on the web socket: answers `deploy/stream` as api.md says, with a story that the test tells."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from canonry.core.paths import Home
from canonry.http.stream import event, stream

type Events = Sequence[tuple[str, dict[str, object]]]


@dataclass
class DeployApi:
    """What was asked of it, and what it answers. pause: seconds before each event after the first. breaks_off: no last event."""

    story: Events = ()
    refusal: tuple[int, dict[str, object]] | None = None
    pause: float = 0
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    async def answer(self, project: str, request: Request) -> Response:
        """Answer one deployment request."""
        ref = json.loads(await request.body())["ref"]
        self.seen.append((project, ref, request.headers.get("authorization", "")))
        if self.refusal:
            return JSONResponse(self.refusal[1], self.refusal[0])
        return stream(self._events(ref))

    async def _events(self, ref: str) -> AsyncIterator[str]:
        yield event("start", {"deployId": "dep_1", "trigger": "push"})
        yield ": keep-alive\n\n"
        for name, data in self.story or live(ref):
            await asyncio.sleep(self.pause)
            yield event(name, data)


def live(ref: str) -> Events:
    """Tell of a deployment that goes well."""
    return [("step", {"step": "build", "text": f"Building {ref[:12]}"}), ("step", {"text": "Grüße — fertig"}),
            ("done", {"deployment": {"status": "live", "url": "http://shop.localhost"}})]  # fmt: skip


@contextmanager
def deploy_api(home: Home) -> Iterator[DeployApi]:
    """Serve it on the home's web socket."""
    api = DeployApi()
    app = FastAPI()
    app.post("/v1/projects/{project}/deploy/stream")(api.answer)
    server = uvicorn.Server(
        uvicorn.Config(app, uds=str(home.web_socket), log_level="warning", lifespan="off", timeout_graceful_shutdown=60)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        stop = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < stop, "uvicorn does not start"
            time.sleep(0.01)
        yield api
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        home.web_socket.unlink(missing_ok=True)
