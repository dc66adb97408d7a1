"""How large a request's body may be: told at once where it says its length, else counted while it comes.

It is read when it is known who sends it (http/gate.py). A short one of a POST that only reads may be read before: anybody may send as much
in headers, and more to where people sign in.
"""

from enum import StrEnum

from fastapi import HTTPException, Request
from starlette.types import Message

from canonry.core.errors import TooLarge
from canonry.http.deps import services_of

_ORDINARY = 1 << 20  # bytes; around an archive there may be as many
_SHORT = 64 << 10


class Bodies(StrEnum):
    """How large the bodies are that the routes of one router take."""

    SMALL = "small"  # 1 MiB
    ARCHIVE = "archive"  # an archive as large as the setting `upload_limit` says, and 1 MiB around it
    RAW = "raw"  # read by the route itself, which bounds it


def is_short(request: Request) -> bool:
    """Say whether a request declares a body that is short; one without a length, or with another way of telling its end, does not."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return False
    return len(length) <= len(str(_SHORT)) and int(length) <= _SHORT


def bounded(request: Request, bodies: Bodies, *, megabytes: int | None = None) -> Request:
    """Return the request so that no more of its body can be read than is accepted. megabytes: of this one route.

    Raises: TooLarge `archive_too_large` | `body_too_large` when it says that it is larger.
    """
    if bodies is Bodies.RAW:
        return request
    archive = bodies is Bodies.ARCHIVE
    mebibytes = megabytes or (services_of(request).settings.upload_limit if archive else 0)
    most = (mebibytes << 20) + (0 if megabytes else _ORDINARY)
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        if archive:
            raise TooLarge("archive_too_large", f"The archive is larger than {mebibytes} MiB.", hint="Leave files out with .canonryignore.")
        raise TooLarge("body_too_large", f"The body of this request is larger than {most >> 20} MiB.")
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > most:
            # Not of our tree: FastAPI takes whatever else is raised while it reads a body for a fault in the body.
            raise HTTPException(413, f"The body of this request is larger than {most >> 20} MiB.")
        return message

    return Request(request.scope, receive)
