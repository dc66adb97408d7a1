"""Facts about tokens and keys."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class TokenCreated(Event):
    """A token was made."""

    name: ClassVar[str] = "token.created"
    token_id: str


@dataclass(frozen=True)
class TokenRevoked(Event):
    """A token counts no more."""

    name: ClassVar[str] = "token.revoked"
    token_id: str


@dataclass(frozen=True)
class KeyCreated(Event):
    """A key was made."""

    name: ClassVar[str] = "key.created"
    key_id: str


@dataclass(frozen=True)
class KeyRevoked(Event):
    """A key counts no more."""

    name: ClassVar[str] = "key.revoked"
    key_id: str


@dataclass(frozen=True)
class CredentialsRevoked(Event):
    """All tokens and keys of somebody who is no member any more count no more."""

    name: ClassVar[str] = "credentials.revoked"
    user_id: str
