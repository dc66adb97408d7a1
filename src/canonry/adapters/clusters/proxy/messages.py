"""The first messages of PostgreSQL's protocol: what a client begins with, and errors. Pure functions on bytes."""

import struct
from typing import NamedTuple

SSL, GSS, CANCEL = 80_877_103, 80_877_104, 80_877_102
_VERSION_3 = 3 << 16
_LONGEST = 10_000  # bytes; PostgreSQL's own limit for a first message

TLS_RECORD = b"\x16"  # a client that begins with TLS at once


class Malformed(ValueError):
    """These bytes are no beginning of a PostgreSQL connection."""


class First(NamedTuple):
    """A client's first message, and what follows it."""

    kind: int
    message: bytes
    rest: bytes


def split_first(data: bytes) -> First | None:
    """Return the first message, None when it is not whole yet. Raises: Malformed."""
    if len(data) < 8:
        if len(data) >= 4:
            _check_length(struct.unpack_from("!I", data)[0])
        return None
    length, kind = struct.unpack_from("!II", data)
    _check_length(length)
    if kind not in {SSL, GSS, CANCEL} and kind >> 16 != _VERSION_3 >> 16:
        raise Malformed
    return First(kind, data[:length], data[length:]) if len(data) >= length else None


def parameters(message: bytes) -> dict[bytes, bytes]:
    """Return what a startup message asks for (user, database, …). Raises: Malformed."""
    words = message[8:].split(b"\0")
    if words[-2:] != [b"", b""] or len(words) % 2:
        raise Malformed
    return dict(zip(words[:-2:2], words[1:-2:2], strict=True))


def failure(code: str, message: str, hint: str = "") -> bytes:
    """Return a FATAL error as the server would send it."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message, **({"H": hint} if hint else {})}
    body = b"".join(name.encode() + value.encode() + b"\0" for name, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


def is_not_yet(answer: bytes) -> bool:
    """Say whether the server's first answer means that it takes no connections at this moment (starting, recovering, ending)."""
    return answer.startswith(b"E") and b"\0C57P03\0" in answer[:300]


def _check_length(length: int) -> None:
    if not 8 <= length <= _LONGEST:
        raise Malformed
