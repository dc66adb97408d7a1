"""Rows of people, organizations and memberships."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class User:
    """A person. email: lower case, unique. is_operator: runs this Canonry (the first person who came)."""

    id: str
    email: str
    name: str
    email_verified_at: datetime | None
    deactivated_at: datetime | None
    is_operator: bool
    created_at: datetime


@dataclass(frozen=True)
class Login:
    """What signing in looks at. password_hash: None for somebody who has only ever come through an outside provider."""

    user_id: str
    password_hash: str | None
    has_second_factor: bool


@dataclass(frozen=True)
class Organization:
    """What owns projects. handle: its slug, lower case, unique."""

    id: str
    handle: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Membership:
    """One organization of a person, and what they are in it."""

    organization_id: str
    handle: str
    name: str
    role: str


@dataclass(frozen=True)
class Recipient:
    """A member of an organization who can be written to."""

    user_id: str
    email: str
    name: str
    role: str


@dataclass(frozen=True)
class Link:
    """A link that went out by mail. purpose: verify_email, change_email or reset_password. email: where it went."""

    user_id: str
    purpose: str
    email: str


@dataclass(frozen=True)
class OwnOrganization:
    """An organization of a person: id, and when and as what they joined."""

    id: str
    handle: str
    name: str
    role: str
    created_at: datetime


@dataclass(frozen=True)
class Member:
    """A person in an organization. id: of the person. created_at: when they joined."""

    id: str
    email: str
    name: str
    role: str
    created_at: datetime


@dataclass(frozen=True)
class Invitation:
    """An invitation that waits. inviter: the name of who invites, None when they are gone."""

    id: str
    organization_id: str
    organization: str
    email: str
    role: str
    inviter: str | None
    created_at: datetime
    expires_at: datetime
