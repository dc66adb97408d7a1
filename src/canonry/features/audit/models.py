"""Rows of the audit trail, and what a check of it finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Recorded:
    """One event as it is stored. organization_id: empty for one of the platform. hash: empty for one from before the chain.

    user_name, slug: of the person and the project as they are called now, None when they are gone.
    """

    id: str
    created_at: datetime
    name: str
    organization_id: str
    payload: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    user_id: str
    user_name: str | None
    credential: str
    address: str
    request_id: str
    hash: bytes
    slug: str | None


@dataclass(frozen=True)
class Filter:
    """Which events are wanted; what is None does not narrow. name: whole, or `deployment.*`. words: first words of names, for a kind."""

    project_id: str | None = None
    user_id: str | None = None
    name: str | None = None
    words: tuple[str, ...] | None = None
    other_words: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Head:
    """Where a chain stood: its newest event, that event's hash, and how many events there were up to it."""

    organization_id: str
    event_id: int
    events: int
    hash: str
    at: datetime


@dataclass(frozen=True)
class Break:
    """The first place where a chain does not hold. event_id: of the first event that does not fit, or that is missing."""

    organization_id: str
    event_id: int
    at: datetime | None
    name: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What a check found. events: looked at; unchained: of them, from before there was a chain; head: the newest one."""

    events: int
    unchained: int
    head: Head | None
    broken: Break | None
