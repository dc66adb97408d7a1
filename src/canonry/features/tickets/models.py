"""What is known of the way sections and tickets go together, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """Who may change: the tickets (forward), the specs (reverse)."""

    BOTH = "both"
    FORWARD = "forward"
    REVERSE = "reverse"


class Trigger(StrEnum):
    """Why a sync ran."""

    PUSH = "push"
    TICKET = "ticket"
    MANUAL = "manual"


@dataclass(frozen=True)
class Link:
    """The states a section and its ticket had when they were last brought together. words: a digest of what the ticket said of it."""

    system: str
    ticket_id: str
    section_state: str
    ticket_state: str
    words: str


@dataclass(frozen=True)
class Rules:
    """What CANON.yaml and the spec say of its tickets. system: None where there are none. why: then the reason.

    project_key: of new tickets. status_map: forward (our state → the tracker's word), reverse (its word → our state), fallback.
    may_create: False with the reason in `held` when a spec has to be reviewed first.
    """

    system: str | None
    why: str = ""
    project_key: str = ""
    lifecycle: str = "true"
    may_create: bool = True
    held: str = ""
    finds_others: bool = True
    status_map: Mapping[str, Any] = field(default_factory=dict)
    hierarchy: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, Any] = field(default_factory=dict)
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One line of what a sync did: a section, its ticket when it has one, and in words what happened or why not."""

    path: str
    section: str
    ticket_id: str | None = None
    note: str = ""


@dataclass
class Result:
    """What a sync did (or would do)."""

    created: list[Item] = field(default_factory=list)
    updated: list[Item] = field(default_factory=list)
    status_changed: list[Item] = field(default_factory=list)
    closed: list[Item] = field(default_factory=list)
    reopened: list[Item] = field(default_factory=list)
    linked: list[Item] = field(default_factory=list)
    skipped: list[Item] = field(default_factory=list)
    errors: list[Item] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many things are otherwise now."""
        return sum(map(len, (self.created, self.updated, self.status_changed, self.closed, self.reopened, self.linked)))

    @property
    def status(self) -> str:
        """`success`; with errors `partial` when something was done all the same, else `failed`."""
        return "success" if not self.errors else "partial" if self.changes else "failed"


@dataclass(frozen=True)
class Run:
    """One sync of a repository. status: waiting, running, success, partial or failed."""

    id: str
    repository_id: str
    trigger: str
    direction: str
    dry_run: bool
    status: str
    result: Mapping[str, list[dict[str, Any]]]
    created_at: datetime
    ended_at: datetime | None
