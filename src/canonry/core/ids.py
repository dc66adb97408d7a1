"""Identifiers: a prefix that says what it is, `_`, and 16 hex digits.

The digits begin with 44 bits of milliseconds, so that ids made later sort later (good for indexes and for reading logs);
the other 20 bits are random. A process never makes the same digits twice, however many it makes in one millisecond.
"""

import secrets
import threading
import time

_RANDOM_BITS = 20
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """Return a new id like `prj_19ab34cd56ef7081`. prefix: lower-case letters, 2 to 5 of them."""
    global _last  # noqa: PLW0603 -- what the process has made so far is one thing
    milliseconds = time.time_ns() // 1_000_000
    digits = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    with _lock:
        _last = digits = max(digits, _last + 1)
    return f"{prefix}_{digits & (1 << 64) - 1:016x}"


def is_id(text: str, prefix: str) -> bool:
    """Say whether `text` has the form of an id with this prefix."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == 16 and all(digit in "0123456789abcdef" for digit in tail)
