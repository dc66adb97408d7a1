"""A tracker: where tickets live. Canonry brings one of its own; others (Jira, Linear, GitHub) are adapters that only add files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class TicketWish:
    """A ticket to be made.

    state: a state of a section (`todo`), blocked_by with `blocked`. raw_status: what the tracker calls it; empty for its own word.
    repository_id, fingerprint: what it is for; the tracker makes no second one for the same.
    """

    project_key: str
    summary: str
    description: str = ""
    state: str = "todo"
    blocked_by: str | None = None
    raw_status: str = ""
    issue_type: str = "Task"
    labels: Sequence[str] = ()
    assignees: Sequence[str] = ()
    milestone: str | None = None
    parent_id: str | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    repository_id: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class TicketChange:
    """What shall be otherwise; None stays as it is. custom_fields: those named are set, others stay."""

    summary: str | None = None
    description: str | None = None
    state: str | None = None
    blocked_by: str | None = None
    raw_status: str = ""
    custom_fields: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class LinkedPull:
    """A pull request that a ticket names."""

    url: str
    title: str


@dataclass(frozen=True)
class Ticket:
    """A ticket as it is. state: in our words. raw_status: in the tracker's."""

    id: str
    url: str
    project_key: str
    summary: str
    description: str
    state: str
    blocked_by: str | None
    raw_status: str
    issue_type: str
    labels: Sequence[str]
    assignees: Sequence[str]
    milestone: str | None
    parent_id: str | None
    custom_fields: Mapping[str, Any]
    pull_requests: Sequence[LinkedPull]
    created_at: str
    updated_at: str


class Tracker(Protocol):
    """Keeps the tickets of organizations.

    Every method may raise Unavailable `tracker_unavailable` when the tracker does not answer (which says nothing about the ticket), and
    Denied `tracker_refused` when it does not let us; `get`, `change` and `link_pull_request` NotFound `ticket_not_found`.
    """

    def create(self, organization_id: str, wish: TicketWish) -> Ticket:
        """Make a ticket; for a fingerprint that has one in that repository, return that one. Raises: NotFound (of the parent)."""
        ...

    def get(self, organization_id: str, ticket_id: str) -> Ticket:
        """Return a ticket."""
        ...

    def find(self, organization_id: str, *, repository_id: str, project_key: str, fingerprint: str, summary: str | None) -> Ticket | None:
        """Return the ticket that was made for a section; else, when summary is given, one of the project that is called so and for none."""
        ...

    def change(self, organization_id: str, ticket_id: str, change: TicketChange) -> Ticket:
        """Change a ticket, and return it as it is then."""
        ...

    def link_pull_request(self, organization_id: str, ticket_id: str, pull: LinkedPull) -> None:
        """Let a ticket name a pull request; the same one twice is one."""
        ...
