"""Rows of webhooks and of their deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Webhook:
    """An address that is told. events: names, or `deployment.*`. project_id: only events of that project.

    failing_since: of the first failure after the last success. disabled_reason: why Canonry switched it off itself.
    """

    id: str
    organization_id: str
    project_id: str | None
    url: str
    events: Sequence[str]
    active: bool
    failing_since: datetime | None
    disabled_reason: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Delivery:
    """One message to one webhook. status: waiting, delivered or failed. attempts: what was tried, oldest first."""

    id: str
    webhook_id: str
    event: str
    replay_of: str | None
    body: str
    status: str
    attempts: Sequence[Mapping[str, Any]]
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Outgoing:
    """A delivery that is due, with what is needed to make it."""

    id: str
    webhook_id: str
    event: str
    body: str
    tries: int
    url: str
    sealed_secret: bytes


@dataclass(frozen=True)
class News:
    """An event behind the position of a webhook. slug: of its project, when that is still there."""

    webhook_id: str
    wanted_project_id: str | None
    wanted: Sequence[str]
    event_id: int
    name: str
    at: datetime
    payload: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    user_id: str
    organization_id: str
    handle: str
    slug: str | None
