"""Files that are sent while they are read."""

from collections.abc import AsyncIterator, Generator, Mapping
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

_KIND = "application/octet-stream"
FILE: Mapping[str, Any] = {
    "description": "The file.",
    "content": {_KIND: {"schema": {"type": "string", "format": "binary"}, "example": "PGDMP"}},
}
"""The description of such an answer, for OpenAPI."""


def download(pieces: Generator[bytes], name: str) -> StreamingResponse:
    """Answer with a file. name: plain ASCII. An error of `pieces` breaks the connection off: whoever reads sees that the end is missing."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_sent(pieces), media_type=_KIND, headers=headers)


async def _sent(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    """Read in threads, and let go what stands behind the pieces when nobody listens any more."""
    try:
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            yield piece
    finally:
        await run_in_threadpool(pieces.close)
