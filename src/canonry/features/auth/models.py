"""Rows of sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from canonry.core.secret import Secret


class Label(StrEnum):
    """Where somebody is signed in."""

    BROWSER = "browser"
    CLI = "cli"


@dataclass(frozen=True)
class Session:
    """Somebody signed in. organization_id: where they act now. way: password, oidc or device.

    address, client: from where, and the name the program gave itself.
    """

    id: str
    user_id: str
    organization_id: str | None
    label: str
    way: str
    address: str
    client: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Holder:
    """Who a valid credential of a session speaks for. Without any organization there is no handle and no role either."""

    session_id: str
    user_id: str
    last_used_at: datetime
    organization_id: str | None
    handle: str | None
    role: str | None
    is_operator: bool
    deactivated_at: datetime | None


@dataclass(frozen=True)
class Opened:
    """A session that has just begun, and its secret, which is shown this once."""

    session: Session
    secret: Secret


@dataclass(frozen=True)
class GitIdentity:
    """Who a person is at a git host. subject: what never changes there; login may."""

    user_id: str
    host: str
    subject: str
    login: str
    name: str
