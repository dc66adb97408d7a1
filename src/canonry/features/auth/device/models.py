"""Rows of device sign-ins, and what is answered about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from canonry.core.secret import Secret
from canonry.features.accounts import User
from canonry.features.auth.grants.service import Grant


class Status(StrEnum):
    """How far a device sign-in is."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    TAKEN = "taken"


@dataclass(frozen=True)
class DeviceSignIn:
    """A command line that waits. organization: the handle it asked for, or empty; organization_id: where it was approved for.

    client, address: who asks. pause: seconds between two questions. sealed_provider_code: when the identity provider is the authority.
    """

    id: str
    status: str
    organization: str
    client: str
    address: str
    pause: int
    polled_at: datetime | None
    user_id: str | None
    organization_id: str | None
    sealed_provider_code: bytes | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Codes:
    """What a command line gets at the beginning. places: where a person goes, without and with the code."""

    device_code: Secret
    user_code: str
    place: str
    place_with_code: str
    pause: int
    expires_in: int


@dataclass(frozen=True)
class Granted:
    """What a command line gets at the end, once."""

    grant: Grant
    user: User
    handle: str


@dataclass(frozen=True)
class Told:
    """The answer to one question. status: pending, expired, denied, error or approved.

    at_provider: the row, when it is pending here and the identity provider has to be asked.
    """

    status: str
    slow_down: bool = False
    detail: str = ""
    granted: Granted | None = None
    at_provider: DeviceSignIn | None = None
