"""What a password and a handle may be."""

import re
import secrets
import unicodedata

from canonry.core.access import Role
from canonry.core.errors import Conflict, Denied, Invalid, Issue

PASSWORD_LENGTHS = (10, 200)
HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
HANDLE_FORM = "3 to 40 lower-case letters, digits and inner hyphens"
RESERVED_HANDLES = frozenset({
    "admin", "administrator", "api", "app", "assets", "auth", "billing", "canonry", "changelog", "choose-org", "dashboard", "docs", "git",
    "healthz", "help", "llms", "login", "logout", "me", "metrics", "no-org", "openapi", "organizations", "pricing", "readyz", "reference",
    "register", "settings", "setup", "static", "status", "support", "system", "v1", "webhook", "webhooks", "www",
})  # fmt: skip
_WORST = frozenset({
    "1234567890", "0123456789", "12345678910", "123456789a", "1q2w3e4r5t", "1qaz2wsx3edc", "abcdefghij", "administrator", "changeme123",
    "iloveyou123", "letmein123", "password01", "password11", "password12", "password123", "password1234", "password12345",
    "passwordpassword", "qwerty12345", "qwerty123456", "qwertyuiop", "qwertyuiop123", "welcome123", "zaq12wsxcde3",
})  # fmt: skip
"""The guesses that come first among those that are long enough."""


def check_password(password: str, email: str, *, field: str = "body.password") -> str:
    """Return `password` in Unicode's composed form, when it may be used.

    Raises: Invalid `weak_password`: 10 to 200 characters, not the e-mail address, not one of the first guesses, not one character repeated.
    """
    password = unicodedata.normalize("NFC", password)
    shortest, longest = PASSWORD_LENGTHS
    plain = password.casefold()
    if not shortest <= len(password) <= longest:
        fault = f"it must have {shortest} to {longest} characters"
    elif plain.strip() in {email, email.partition("@")[0]}:
        fault = "it must not be the e-mail address"
    elif plain in _WORST or len(set(plain)) < 3:
        fault = "it is one of the first that is guessed"
    else:
        return password
    raise Invalid("weak_password", f"This password cannot be used: {fault}.",
                  hint="Four words that do not belong together make a good one.", issues=[Issue(field, fault, "password")])  # fmt: skip


def check_handle(handle: str, *, field: str = "body.handle") -> str:
    """Return `handle` when an organization may have it. Raises: Invalid `invalid_handle`, Conflict `handle_reserved`."""
    if not HANDLE.fullmatch(handle):
        raise Invalid("invalid_handle", f"The handle {handle!r} is not valid: {HANDLE_FORM}.", hint="Choose another one, like my-team.",
                      issues=[Issue(field, HANDLE_FORM, "pattern")])  # fmt: skip
    if handle in RESERVED_HANDLES:
        raise Conflict("handle_reserved", f"The handle {handle!r} is reserved.", hint="Choose another one.")
    return handle


def derive_handle(text: str, attempt: int = 1) -> str:
    """Make a handle from an e-mail address or a name; later attempts end in random digits, so that a taken one has successors."""
    words = re.sub(r"[^a-z0-9]+", "-", text.partition("@")[0].lower()).strip("-")[:30].strip("-") or "team"
    if len(words) < 3 or words in RESERVED_HANDLES:
        words = f"{words}-team"
    return words if attempt == 1 else f"{words}-{secrets.token_hex(2)}"


def require_rank(mine: Role, *others: Role) -> None:
    """Return when a member of role `mine` may touch members of these roles, or make some: only owners may, where an owner is among them.

    Raises: Denied `owner_needed`.
    """
    if Role.OWNER in others and mine is not Role.OWNER:
        raise Denied("owner_needed", "Only an owner may do that to an owner, or make one.", hint="Ask an owner.")
