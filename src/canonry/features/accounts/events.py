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


@dataclass(frozen=True)
class UserDeactivated(Event):
    """Somebody is let in no more, and everything they had to come in with has ended."""

    name: ClassVar[str] = "user.deactivated"
    user_id: str


@dataclass(frozen=True)
class UserActivated(Event):
    """Somebody who was deactivated may sign in again."""

    name: ClassVar[str] = "user.activated"
    user_id: str


@dataclass(frozen=True)
class OrganizationCreated(Event):
    """There is a new organization."""

    name: ClassVar[str] = "organization.created"


@dataclass(frozen=True)
class OrganizationChanged(Event):
    """An organization has another name or handle."""

    name: ClassVar[str] = "organization.changed"


@dataclass(frozen=True)
class OrganizationDeleted(Event):
    """An organization is gone, with its members, tokens and keys. Its record stays."""

    name: ClassVar[str] = "organization.deleted"


@dataclass(frozen=True)
class MemberAdded(Event):
    """Somebody has joined an organization."""

    name: ClassVar[str] = "member.added"
    user_id: str


@dataclass(frozen=True)
class MemberRoleChanged(Event):
    """A member has another role."""

    name: ClassVar[str] = "member.role_changed"
    user_id: str


@dataclass(frozen=True)
class MemberRemoved(Event):
    """Somebody is no member of the organization any more: what they had in it ends."""

    name: ClassVar[str] = "member.removed"
    user_id: str


@dataclass(frozen=True)
class InvitationSent(Event):
    """Somebody was invited into an organization."""

    name: ClassVar[str] = "invitation.sent"
    invitation_id: str


@dataclass(frozen=True)
class InvitationWithdrawn(Event):
    """An invitation counts no more."""

    name: ClassVar[str] = "invitation.withdrawn"
    invitation_id: str


@dataclass(frozen=True)
class SecondFactorEnabled(Event):
    """Signing in with a password takes a code too."""

    name: ClassVar[str] = "user.second_factor_enabled"
    user_id: str


@dataclass(frozen=True)
class SecondFactorDisabled(Event):
    """Signing in takes the password only."""

    name: ClassVar[str] = "user.second_factor_disabled"
    user_id: str


@dataclass(frozen=True)
class RecoveryCodesRenewed(Event):
    """Somebody has other recovery codes."""

    name: ClassVar[str] = "user.recovery_codes_renewed"
    user_id: str
