"""Rows of tokens and keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class NewToken:
    """What a token is made of. project_id: of the one project it is bound to."""

    organization_id: str
    user_id: str
    name: str
    scope: str
    project_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Token:
    """A token as it is listed. prefix: how its value begins. project: the slug of the one it is bound to. email: of its owner."""

    id: str
    user_id: str
    email: str
    name: str
    prefix: str
    scope: str
    project_id: str | None
    project: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class TokenHolder:
    """Who a valid token speaks for. is_to_be_noted: its last use was noted a while ago, or never."""

    token_id: str
    user_id: str
    organization_id: str
    handle: str
    scope: str
    role: str
    project_id: str | None
    is_operator: bool
    is_deactivated: bool
    is_to_be_noted: bool


@dataclass(frozen=True)
class Key:
    """A key as it is listed. prefix: how its value begins."""

    id: int
    label: str
    prefix: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class KeyHolder:
    """Who a valid key speaks for. is_to_be_noted: as above."""

    key_id: int
    user_id: str
    organization_id: str
    handle: str
    scopes: tuple[str, ...]
    role: str
    is_operator: bool
    is_deactivated: bool
    is_to_be_noted: bool
