"""Rows of domains, and what a look at the DNS says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a name is. The free subdomain has no row; a custom domain is served once it is verified, an alias at once."""

    SUBDOMAIN = "subdomain"
    CUSTOM = "custom"
    ALIAS = "alias"


@dataclass(frozen=True)
class Domain:
    """A project's claim on a hostname.

    token: what the TXT record must hold. redirect: when another domain is primary, visitors are sent there. points_here: whether its
    addresses lead to this machine, None: not known. checks: what the last look found. ssl_*: how its certificate stands.
    """

    id: str
    organization_id: str
    project_id: str
    hostname: str
    kind: str
    token: str
    verified_at: datetime | None
    is_primary: bool
    redirect: bool
    points_here: bool | None
    checks: Sequence[Mapping[str, Any]]
    checked_at: datetime | None
    next_check_at: datetime | None
    unsuccessful: int
    ssl_status: str
    ssl_error: str
    ssl_expires_at: datetime | None
    ssl_failures: int
    created_at: datetime

    @property
    def is_verified(self) -> bool:
        """True when somebody proved that the name is theirs."""
        return self.verified_at is not None


@dataclass(frozen=True)
class DnsRecord:
    """A record that the owner of a name shall make. purpose: `routing` or `ownership`. note: what to know about it."""

    type: str
    name: str
    value: str
    purpose: str
    note: str = ""


@dataclass(frozen=True)
class Check:
    """One thing looked at. check: ownership, pointing or authority. found: the values there are. message: in words for people."""

    check: str
    type: str
    name: str
    expected: Sequence[str]
    found: Sequence[str]
    ok: bool
    message: str


@dataclass(frozen=True)
class Assessment:
    """What a look at the DNS says. owned, points_here: None when nobody answered. texts: every TXT record there."""

    owned: bool | None
    points_here: bool | None
    texts: Sequence[str]
    checks: Sequence[Check]
