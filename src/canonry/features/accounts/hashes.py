"""Passwords as argon2id hashes.

Measured on two cores: 30 ms and 19 MiB for one; at most two at a time, so that a crowd at the door takes neither the memory nor the cores
that the apps need. argon2 computes outside Python's lock.
"""

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from canonry.core.secret import Secret

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_turns = threading.BoundedSemaphore(2)


def make_hash(password: str) -> str:
    """Return the hash to keep. Takes 30 ms: never inside a transaction that others wait for."""
    with _turns:
        return _hasher().hash(password)


def matches(password: Secret, kept: str | None) -> bool:
    """Say whether this is the password of the hash; without one (an unknown person) the answer is no and takes as long."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 -- only who signs in needs it

    given = unicodedata.normalize("NFC", password.reveal())
    dummy = _dummy()
    try:
        with _turns:
            _hasher().verify(kept or dummy, given)
        return kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415 -- only who signs in needs it

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _dummy() -> str:
    return make_hash("nobody has this password")
