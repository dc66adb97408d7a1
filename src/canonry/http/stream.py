"""Server-sent events: text that is written as it happens."""

import json
from collections.abc import AsyncIterator, Mapping

from fastapi.responses import StreamingResponse


def event(name: str, data: Mapping[str, object], *, event_id: str | None = None) -> str:
    """Return one event in the wire format."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    """Answer with a stream of events that no proxy holds back."""
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
