"""What a secret is here, and how long things last."""

import hashlib
import secrets
from datetime import timedelta

SESSION_LIFE = timedelta(days=30)
ACCESS_LIFE = timedelta(hours=1)
ACCESS_PREFIX, REFRESH_PREFIX = "cna_", "cnf_"
ENDED_KEPT = timedelta(days=30)  # an ended session is shown to nobody, but a replay of its tokens is still told apart
TOUCH_EVERY = timedelta(minutes=1)  # last_used_at is for people: one write a minute, not one a request


def new_secret(prefix: str = "") -> str:
    """Return a secret of 256 random bits that may stand in a URL and a cookie."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is kept of a secret. A plain SHA-256 is enough: nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def is_own_path(place: str) -> bool:
    """Say whether a place to go to next is a path of this very site: anything else could lead a person somewhere else."""
    return place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable() and len(place) <= 2000
