"""Shapes of requests and answers about tickets. Those below /app are as the seed has them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from canonry.features.tickets.models import Run
from canonry.ports.trackers import Ticket, TicketChange, TicketWish

_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=_LINE)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_LINE)]
Text = Annotated[str, StringConstraints(max_length=60_000, pattern=r"^[^\x00]*$")]
TicketState = Literal["draft", "todo", "in_progress", "blocked", "done", "deprecated"]


def _storable(fields: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(fields)
    if len(text) > 20_000 or "\\u0000" in text or "\\ud8" in text.lower():
        message = "holds more than 20,000 letters, or some that cannot be kept"
        raise ValueError(message)
    return fields


CustomFields = Annotated[dict[str, Any], AfterValidator(_storable)]


class TicketStatus(BaseModel):
    """A state in the words of sections. blocked_by: with blocked."""

    state: TicketState
    blocked_by: Word | None = None


class TicketTarget(BaseModel):
    """Where tickets live: what CANON.yaml of a repository says, or a system by its name."""

    owner: Word | None = None
    repo: Word | None = None
    ticket_system: Word | None = Field(None, description="canonry, or another that is connected; instead of a repository")


class NewTicketInput(BaseModel):
    """A ticket to be made. parent_ticket_id: it becomes a part of that one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"project_key": "PAY", "summary": "Retry a charge", "labels": ["payments"]}]})
    project_key: Word
    summary: Line
    description: Text = ""
    status: TicketStatus = TicketStatus(state="todo")
    parent_ticket_id: Word | None = None
    labels: list[Word] = Field([], max_length=50)
    issue_type: Word = "Task"
    custom_fields: CustomFields = {}
    assignees: list[Word] = Field([], max_length=50)
    milestone: Word | None = None


class CreateTicketRequest(TicketTarget):
    """Body of create."""

    input: NewTicketInput


class TicketStatusRequest(TicketTarget):
    """Body of status."""

    ticket_id: Word


class TicketBatchRequest(TicketTarget):
    """Body of batch-status."""

    ticket_ids: list[Word] = Field(max_length=100)


class ChangedTicketInput(BaseModel):
    """What shall be otherwise; what is left out stays."""

    ticket_id: Word
    summary: Line | None = None
    description: Text | None = None
    status: TicketStatus | None = None
    custom_fields: CustomFields | None = None


class UpdateTicketRequest(TicketTarget):
    """Body of update."""

    input: ChangedTicketInput


class LinkPullRequest(TicketTarget):
    """Body of link-pr."""

    ticket_id: Word
    pr_url: HttpUrl
    pr_title: Annotated[str, StringConstraints(max_length=250, pattern=_LINE)] = ""


class TicketMadeAnswer(BaseModel):
    """The ticket is there."""

    ticket_id: str
    ticket_url: str


class TicketStatusAnswer(BaseModel):
    """How far a ticket is. raw_status: what the tracker calls it."""

    ticket_id: str
    status: TicketStatus
    raw_status: str


class TicketFault(BaseModel):
    """A ticket that could not be looked at, and why."""

    ticket_id: str
    error: str


class TicketBatchAnswer(BaseModel):
    """How far tickets are, and those that could not be looked at."""

    results: list[TicketStatusAnswer]
    errors: list[TicketFault]


class TicketDoneAnswer(BaseModel):
    """It was done."""

    ok: bool = True


class TicketPull(BaseModel):
    """A pull request that a ticket names."""

    url: str
    title: str


class TicketDetails(BaseModel):
    """A ticket that lives in Canonry."""

    id: str
    url: str
    project_key: str
    summary: str
    description: str
    state: TicketState
    blocked_by: str | None
    raw_status: str
    issue_type: str
    labels: list[str]
    assignees: list[str]
    milestone: str | None
    parent_id: str | None
    custom_fields: dict[str, Any]
    pull_requests: list[TicketPull]
    created_at: str
    updated_at: str


class TicketAnswer(BaseModel):
    """A ticket."""

    ticket: TicketDetails


class TicketsAnswer(BaseModel):
    """The newest tickets."""

    tickets: list[TicketDetails]


class ChangeTicketRequest(BaseModel):
    """Body of PATCH; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "done"}]})
    summary: Line | None = None
    description: Text | None = None
    state: TicketState | None = None
    blocked_by: Word | None = Field(None, description="with the state blocked: what by")


class SyncTicketsRequest(BaseModel):
    """Body of a sync. forward: tickets follow specs; reverse: specs follow tickets. dry_run: say what would be done, and do nothing."""

    model_config = ConfigDict(extra="forbid")
    direction: Literal["both", "forward", "reverse"] = "both"
    dry_run: bool = False


class SyncItem(BaseModel):
    """A section, its ticket, and in words what happened or why not."""

    path: str
    section: str
    ticket_id: str | None
    note: str


class TicketSyncBody(BaseModel):
    """A sync of a repository with its tickets. trigger: push, ticket or manual. Of what was skipped, the first two hundred are kept."""

    id: str
    trigger: str
    direction: str
    dry_run: bool
    status: str = Field(description="waiting, running, success, partial or failed")
    created: list[SyncItem]
    linked: list[SyncItem]
    updated: list[SyncItem]
    status_changed: list[SyncItem]
    closed: list[SyncItem]
    reopened: list[SyncItem]
    skipped: list[SyncItem]
    errors: list[SyncItem]
    created_at: str
    ended_at: str | None


class TicketSyncAnswer(BaseModel):
    """A sync."""

    sync: TicketSyncBody


class TicketSyncsAnswer(BaseModel):
    """The last syncs of a repository, newest first."""

    syncs: list[TicketSyncBody]


def wish_from(body: NewTicketInput) -> TicketWish:
    """Return what somebody wants made."""
    return TicketWish(
        body.project_key, body.summary, body.description, state=body.status.state, blocked_by=body.status.blocked_by,
        issue_type=body.issue_type, labels=body.labels, assignees=body.assignees, milestone=body.milestone,
        parent_id=body.parent_ticket_id, custom_fields=body.custom_fields,
    )  # fmt: skip


def change_from(body: ChangedTicketInput) -> TicketChange:
    """Return what somebody wants changed."""
    status = body.status
    return TicketChange(
        body.summary, body.description, status.state if status else None, status.blocked_by if status else None,
        custom_fields=body.custom_fields,
    )  # fmt: skip


def status_answer(ticket: Ticket) -> TicketStatusAnswer:
    """Return how far a ticket is."""
    return TicketStatusAnswer(
        ticket_id=ticket.id, status=TicketStatus.model_validate({"state": ticket.state, "blocked_by": ticket.blocked_by}),
        raw_status=ticket.raw_status,
    )  # fmt: skip


def ticket_body(ticket: Ticket) -> TicketDetails:
    """Return a ticket as the API shows it."""
    return TicketDetails.model_validate(asdict(ticket))


def sync_body(run: Run) -> TicketSyncBody:
    """Return a sync as the API shows it."""
    lists: Mapping[str, list[dict[str, Any]]] = {
        name: run.result.get(name, [])
        for name in ("created", "linked", "updated", "status_changed", "closed", "reopened", "skipped", "errors")
    }
    return TicketSyncBody.model_validate({
        "id": run.id, "trigger": run.trigger, "direction": run.direction, "dry_run": run.dry_run, "status": run.status, **lists,
        "created_at": run.created_at.isoformat(), "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    })  # fmt: skip
