"""What a secret is here, and how long things last."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from canonry.core.access import ROLE_PERMISSIONS, Actor, Permission, Role

SESSION_LIFE = timedelta(days=30)
ACCESS_LIFE = timedelta(hours=1)
ACCESS_PREFIX, REFRESH_PREFIX = "cna_", "cnf_"
ENDED_KEPT = timedelta(days=30)  # an ended session is shown to nobody, but a replay of its tokens is still told apart
TOUCH_EVERY = timedelta(minutes=1)  # last_used_at is for people: one write a minute, not one a request


DESCRIPTIONS: Mapping[Permission, str] = {
    Permission.PROJECTS_READ: "See projects, deployments and logs.",
    Permission.PROJECTS_DEPLOY: "Deploy, configure, stop and remove projects.",
    Permission.SPECS_READ: "Read specifications, coverage and tasks.",
    Permission.SPECS_WRITE: "Change specifications.",
    Permission.SPECS_ADMIN: "Manage keys, indexing and integrations.",
    Permission.ORG_MANAGE: "Manage members, tokens and billing of the organization.",
    Permission.PLATFORM_MANAGE: "Run this Canonry.",
}  # fmt: skip


def inferred_role(actor: Actor) -> str:
    """Return the highest role whose permissions the actor holds, every one. An owner holds what an admin holds, and is one."""
    held = (role for role in (Role.ADMIN, Role.DEVELOPER, Role.VIEWER) if ROLE_PERMISSIONS[role] <= actor.permissions)
    found = next(held, None)
    if found is None:
        return ""
    return Role.OWNER if found is Role.ADMIN and actor.role is Role.OWNER else found


def new_secret(prefix: str = "") -> str:
    """Return a secret of 256 random bits that may stand in a URL and a cookie."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is kept of a secret. A plain SHA-256 is enough: nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def is_own_path(place: str) -> bool:
    """Say whether a place to go to next is a path of this very site: anything else could lead a person somewhere else."""
    return place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable() and len(place) <= 2000


_BROWSERS = (("Firefox/", "Firefox"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
            ("Linux", "Linux"))  # fmt: skip


def program_of(client: str) -> str:
    """Return how a program named itself, in words that people know: a browser's long line becomes `Firefox on Linux`."""
    if not client.startswith("Mozilla/"):
        return client
    browser = next((name for sign, name in _BROWSERS if sign in client), "a browser")
    system = next((name for sign, name in _SYSTEMS if sign in client), "")
    return f"{browser} on {system}" if system else browser
