"""Facts about people and organizations. What concerns one person stands in their oldest organization."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class UserRegistered(Event):
    """Somebody has an account now, and an organization of their own."""

    name: ClassVar[str] = "user.registered"
    user_id: str


@dataclass(frozen=True)
class IdentityLinked(Event):
    """Somebody may sign in through an outside provider."""

    name: ClassVar[str] = "user.identity_linked"
    user_id: str
    issuer: str


@dataclass(frozen=True)
class PasswordChanged(Event):
    """Somebody has another password: sessions that were opened with the old one end."""

    name: ClassVar[str] = "user.password_changed"
    user_id: str
    by_session: str  # the one session that goes on, because the change was made in it; empty for none


@dataclass(frozen=True)
class EmailVerified(Event):
    """Somebody has shown that their e-mail address is theirs."""

    name: ClassVar[str] = "user.email_verified"
    user_id: str


@dataclass(frozen=True)
class EmailChanged(Event):
    """Somebody has another e-mail address, verified."""

    name: ClassVar[str] = "user.email_changed"
    user_id: str


@dataclass(frozen=True)
class UserChanged(Event):
    """Somebody has another name."""

    name: ClassVar[str] = "user.changed"
    user_id: str
