"""What a new credential may be: never more than the one it is made with."""

import hashlib
from datetime import datetime, timedelta

from canonry.core.access import PERMISSIONS, Actor, Permission, Scope
from canonry.core.clock import now
from canonry.core.errors import Denied, Invalid, Issue

KEY_SCOPES = (Permission.SPECS_READ, Permission.SPECS_WRITE, Permission.SPECS_ADMIN, Permission.ORG_MANAGE)


def digest(value: str) -> bytes:
    """Return what is kept of a credential. A plain SHA-256 is enough: nobody can guess 192 random bits and more."""
    return hashlib.sha256(value.encode()).digest()


def require_held(actor: Actor, scope: Scope) -> None:
    """Return when the caller may do all that the scope allows. Raises: Denied `scope_not_held`."""
    if missing := PERMISSIONS[scope] - actor.permissions:
        raise Denied("scope_not_held", f"You cannot give a token the scope {scope}: you lack {', '.join(sorted(missing))} yourself.",
                     hint="Choose a narrower scope, or ask an owner for a higher role.")  # fmt: skip


def checked_scopes(actor: Actor, names: list[str]) -> list[Permission]:
    """Return the scopes of a key, each once. Raises: Invalid `unknown_scope`, Denied `scope_not_held`."""
    known = {str(scope): scope for scope in KEY_SCOPES}
    if unknown := sorted(set(names) - set(known)):
        raise Invalid("unknown_scope", f"There is no scope {unknown[0]!r}.", hint=f"There are: {', '.join(known)}.",
                      issues=[Issue("body.scopes", f"one of {', '.join(known)}", "enum")])  # fmt: skip
    chosen = [known[name] for name in dict.fromkeys(names)]
    if missing := [str(scope) for scope in chosen if scope not in actor.permissions]:
        raise Denied("scope_not_held", f"You cannot give a key {', '.join(missing)}: you lack it yourself.",
                     hint="Choose scopes that you hold.")  # fmt: skip
    return chosen


def end_of(moment: datetime | None, days: int | None, *, parent: datetime | None) -> datetime | None:
    """Return when a new credential ends, None for never. parent: the end of the one it is made with: it is not outlived.

    Raises: Invalid `invalid_expiry` (both given, without a zone, in the past), Denied `expiry_not_held`.
    """
    if moment is not None and days is not None:
        raise _wrong("body.expires_in_days", "give expires_at or expires_in_days, not both")
    if moment is not None and moment.tzinfo is None:
        raise _wrong("body.expires_at", "needs a time zone, like 2027-01-31T12:00:00Z")
    end = now() + timedelta(days=days) if days is not None else moment
    if end is not None and end <= now():
        raise _wrong("body.expires_at", "must lie in the future")
    if parent is None or end is None:
        return end or parent
    if end > parent:
        raise Denied("expiry_not_held", f"The credential you use ends at {parent.isoformat()}; what it makes cannot last longer.",
                     hint="Choose an earlier end, or sign in.")  # fmt: skip
    return end


def _wrong(path: str, fault: str) -> Invalid:
    return Invalid("invalid_expiry", f"That end cannot be: {fault}.", issues=[Issue(path, fault, "expiry")])
