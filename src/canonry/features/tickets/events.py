"""Facts about tickets."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class TicketCreated(Event):
    """A ticket was made by somebody."""

    name: ClassVar[str] = "ticket.created"
    system: str
    ticket_id: str


@dataclass(frozen=True)
class TicketUpdated(Event):
    """Somebody changed a ticket."""

    name: ClassVar[str] = "ticket.updated"
    system: str
    ticket_id: str


@dataclass(frozen=True)
class TicketPullRequestLinked(Event):
    """A ticket names another pull request."""

    name: ClassVar[str] = "ticket.pull_request_linked"
    system: str
    ticket_id: str


@dataclass(frozen=True)
class TicketSyncRequested(Event):
    """Somebody asked for a repository and its tickets to be brought together."""

    name: ClassVar[str] = "tickets.sync_requested"
    repository_id: str
    run_id: str


@dataclass(frozen=True)
class TicketsSynced(Event):
    """A sync changed specs: their default branch has a new commit of ours."""

    name: ClassVar[str] = "tickets.synced"
    repository_id: str
