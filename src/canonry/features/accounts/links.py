"""Links that go out by mail and work once. The secret part has 256 random bits; only its SHA-256 is kept."""

import hashlib
import secrets

from canonry.core.errors import Invalid, Issue
from canonry.features.accounts.models import Link
from canonry.features.accounts.store import links as store
from canonry.infra.tx import Tx

VERIFY_EMAIL = "verify_email"
CHANGE_EMAIL = "change_email"
RESET_PASSWORD = "reset_password"  # noqa: S105 -- the name of a purpose
_SECONDS = {VERIFY_EMAIL: 24 * 3600, CHANGE_EMAIL: 24 * 3600, RESET_PASSWORD: 3600}


def make(tx: Tx, user_id: str, purpose: str, email: str) -> str:
    """Make a link and return its secret part, to be mailed to `email` and shown to nobody else."""
    value = new_secret()
    store.forget_expired(tx)
    store.insert(tx, digest(value), Link(user_id, purpose, email), _SECONDS[purpose])
    return value


def find(tx: Tx, value: str, *purposes: str) -> Link:
    """Return what a link is for. Raises: Invalid `invalid_link`."""
    return _checked(store.find(tx, digest(value)), purposes)


def use(tx: Tx, value: str, *purposes: str) -> Link:
    """Return what a link is for, and use it up. Raises: Invalid `invalid_link`; roll back then, so that it stays for its own purpose."""
    return _checked(store.take(tx, digest(value)), purposes)


def new_secret() -> str:
    """Return 256 random bits that can stand in a URL."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(value.encode()).digest()


def forget(tx: Tx, user_id: str, *purposes: str) -> None:
    """Make a person's links of these purposes useless."""
    store.forget(tx, user_id, *purposes)


def invalid() -> Invalid:
    """Return the error of a link that is good for nothing."""
    return Invalid("invalid_link", "This link is wrong, has expired, or was used already.", hint="Ask for a new one.",
                   issues=[Issue("body.token", "not a valid link", "link")])  # fmt: skip


def _checked(found: Link | None, purposes: tuple[str, ...]) -> Link:
    if found is None or found.purpose not in purposes:
        raise invalid()
    return found
