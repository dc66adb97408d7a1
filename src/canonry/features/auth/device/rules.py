"""What a question is answered with, and what codes look like. Nothing here looks anything up."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from canonry.features.auth.device.models import DeviceSignIn, Status

LIFE = timedelta(minutes=15)
PAUSE = 5
SLOWER = 5  # seconds that are added for who asks too fast
_MOST = 60
_LEEWAY = timedelta(milliseconds=500)  # a client that waits the pause out must never be told off for the clock's sake
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no word comes out, and none that looks like another or like a digit."""

_SIZE = 8
ORGANIZATION = re.compile(r"[A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True)
class Decision:
    """What to answer, and the pause that is asked for from now on. take: the tokens are to be given out now."""

    status: str
    slow_down: bool = False
    pause: int = PAUSE
    take: bool = False
    detail: str = ""


def decide(row: DeviceSignIn, at: datetime) -> Decision:
    """Return the answer to a question that comes at that moment."""
    if row.status == Status.DENIED:
        return Decision("denied", pause=row.pause)
    if row.status == Status.TAKEN:
        return Decision("error", pause=row.pause, detail="This device code has been used.")
    if at >= row.expires_at:
        return Decision("expired", pause=row.pause)
    if row.polled_at is not None and at - row.polled_at + _LEEWAY < timedelta(seconds=row.pause):
        return Decision("pending", slow_down=True, pause=min(row.pause + SLOWER, _MOST))
    if row.status == Status.APPROVED:
        return Decision("approved", pause=row.pause, take=True)
    return Decision("pending", pause=row.pause)


def new_user_code() -> str:
    """Return a code of eight letters: 34 random bits, enough for a quarter of an hour in which few tries are allowed."""
    return "".join(secrets.choice(LETTERS) for _ in range(_SIZE))


def shown(user_code: str) -> str:
    """Return a code as people read it, like `WDJB-MJHT`."""
    return f"{user_code[:4]}-{user_code[4:]}"


def read_user_code(text: str) -> str:
    """Return what somebody typed as a code, in any case and with any spaces and hyphens; empty when it can be none."""
    letters = re.sub(r"[\s-]", "", text).upper()
    return letters if len(letters) == _SIZE and set(letters) <= set(LETTERS) else ""


def user_digest(key: bytes, user_code: str) -> bytes:
    """Return what is kept of a short code. Keyed: 34 bits are soon tried out by who has a plain hash."""
    return hmac.new(key, user_code.encode(), hashlib.sha256).digest()
