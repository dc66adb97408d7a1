"""Facts about signing in."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class SignedIn(Event):
    """A session began. way: password, oidc or device."""

    name: ClassVar[str] = "auth.signed_in"
    user_id: str
    session_id: str
    label: str
    way: str


@dataclass(frozen=True)
class SessionRevoked(Event):
    """A session ended before its time. reason: signed_out, revoked, password_changed or token_reused."""

    name: ClassVar[str] = "auth.session_revoked"
    user_id: str
    session_id: str
    reason: str


@dataclass(frozen=True)
class SessionSwitched(Event):
    """A session acts in another organization from now on."""

    name: ClassVar[str] = "auth.session_switched"
    user_id: str
    session_id: str


@dataclass(frozen=True)
class TokensRefreshed(Event):
    """A refresh token was used up for new tokens."""

    name: ClassVar[str] = "auth.tokens_refreshed"
    user_id: str
    session_id: str


@dataclass(frozen=True)
class DeviceApproved(Event):
    """Somebody let a command line act as themselves."""

    name: ClassVar[str] = "auth.device_approved"
    user_id: str
    device_id: str


@dataclass(frozen=True)
class DeviceDenied(Event):
    """Somebody refused a command line."""

    name: ClassVar[str] = "auth.device_denied"
    user_id: str
    device_id: str


@dataclass(frozen=True)
class GitIdentityLinked(Event):
    """Somebody linked their account at a git host."""

    name: ClassVar[str] = "auth.git_identity_linked"
    user_id: str
    host: str


@dataclass(frozen=True)
class GitIdentityUnlinked(Event):
    """Somebody undid that link."""

    name: ClassVar[str] = "auth.git_identity_unlinked"
    user_id: str
    host: str
