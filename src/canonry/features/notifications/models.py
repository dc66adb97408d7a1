"""Rows of what people want to know, and of what they are to be told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Wish(StrEnum):
    """Which deployments somebody wants to hear about."""

    ALL = "all"
    OWN = "own"
    OFF = "off"


@dataclass(frozen=True)
class Wishes:
    """What somebody wants to be mailed about in one organization. own: deployments they asked for. recovered: that it works again."""

    failed_production: Wish
    failed_preview: Wish
    recovered: bool


@dataclass(frozen=True)
class Notice:
    """One thing that somebody is to be told. kind: failed or recovered. slug, environment: of what."""

    deployment_id: str
    kind: str
    slug: str
    environment: str
    created_at: datetime


@dataclass(frozen=True)
class Failure:
    """A failed deployment as a mail tells of it. log: its last lines."""

    deployment_id: str
    slug: str
    environment: str
    source: str
    message: str
    hint: str
    log: tuple[str, ...]
