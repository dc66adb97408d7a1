"""Server-sent events: text that is written as it happens."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from canonry.core.errors import CanonryError, Denied, Unauthenticated

EVENTS = "text/event-stream"
_LOOK_EVERY = 1.0  # seconds


def event(name: str, data: Mapping[str, object], *, event_id: str | None = None) -> str:
    """Return one event in the wire format."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    """Answer with a stream of events that no proxy holds back."""
    return StreamingResponse(events, media_type=EVENTS, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


async def while_admitted(pieces: AsyncIterator[str], admit: Callable[[], object]) -> AsyncIterator[str]:
    """Give the pieces of a stream as long as whoever asked may see them; then it ends, and who comes back is told why.

    admit: asked before a piece is given, once a second at the most. Raises Unauthenticated or Denied when they may no longer; another
    error, such as a database that is away, says nothing about them.
    """
    looked = time.monotonic()
    async for piece in pieces:
        if time.monotonic() - looked >= _LOOK_EVERY:
            try:
                await run_in_threadpool(admit)
            except (Unauthenticated, Denied):
                return
            except CanonryError:
                pass
            looked = time.monotonic()
        yield piece
