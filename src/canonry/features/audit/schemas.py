"""Shapes of answers about the audit trail."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from canonry.features.audit.models import Recorded, Verdict
from canonry.features.audit.rules import KINDS, kind_of, summary_of

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class ActivityQuery(BaseModel):
    """Which events are wanted."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Field(max_length=200)] = None
    project: Text | None = Field(None, description="slug or id; of a deleted project the id")
    actor: Text | None = Field(None, description="id of a person")
    name: Text | None = Field(None, description="whole, or the first word of many: `deployment.*`")
    kind: Annotated[str, StringConstraints(pattern="^(" + "|".join(KINDS) + ")$")] | None = None
    since: Text | None = Field(None, description="ISO time, or an age like 10m")
    until: Text | None = Field(None, description="ISO time, or an age like 10m")
    platform: bool = Field(default=False, description="the events without an organization; needs platform:manage")


class ActorBody(BaseModel):
    """Who did it: a person with the credential they used, or Canonry itself (`system`)."""

    id: str
    name: str | None
    credential: str = Field(description="kind and id, like `token tok_…`; empty for Canonry itself")


class EventBody(BaseModel):
    """One event. before, after: what changed. hash: over this event and the one before it in its organization."""

    id: str
    at: str
    kind: str = Field(description="deploy, domain, database, storage, git, config, key, alert, backup or system")
    name: str
    summary: str
    actor: ActorBody
    address: str
    request_id: str
    organization_id: str
    project_id: str | None
    payload: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: str


class ActivityAnswer(BaseModel):
    """One page of events."""

    events: list[EventBody]
    next_cursor: str | None = None


class HeadBody(BaseModel):
    """The newest event of a chain; write it down elsewhere to be able to tell later whether the end was cut off."""

    organization_id: str
    event_id: str
    events: int
    hash: str
    at: str


class BreakBody(BaseModel):
    """The first event that does not fit."""

    organization_id: str
    event_id: str
    at: str | None
    name: str
    reason: str


class ChainsAnswer(BaseModel):
    """What the check of one or more chains found."""

    ok: bool
    events: int
    unchained: int = Field(description="events from before there was a chain; nothing can be said about them")
    heads: list[HeadBody]
    broken: list[BreakBody] = Field(description="the first break of each chain that has one")


def event_body(event: Recorded) -> EventBody:
    """Return an event as the API shows it."""
    project_id = event.payload.get("project_id")
    return EventBody(
        id=event.id, at=event.created_at.isoformat(), kind=kind_of(event.name), name=event.name, summary=summary_of(event),
        actor=ActorBody(id=event.user_id or "system", name=event.user_name if event.user_id else "Canonry", credential=event.credential),
        address=event.address, request_id=event.request_id, organization_id=event.organization_id,
        project_id=project_id if isinstance(project_id, str) else None, payload=dict(event.payload),
        before=None if event.before is None else dict(event.before), after=None if event.after is None else dict(event.after),
        hash=event.hash.hex(),
    )  # fmt: skip


def chains_answer(verdicts: list[Verdict]) -> ChainsAnswer:
    """Return what the check of some chains found."""
    heads = [verdict.head for verdict in verdicts if verdict.head is not None]
    breaks = [verdict.broken for verdict in verdicts if verdict.broken is not None]
    return ChainsAnswer(
        ok=not breaks, events=sum(verdict.events for verdict in verdicts), unchained=sum(verdict.unchained for verdict in verdicts),
        heads=[HeadBody(organization_id=head.organization_id, event_id=str(head.event_id), events=head.events, hash=head.hash,
                        at=head.at.isoformat()) for head in heads],
        broken=[BreakBody(organization_id=item.organization_id, event_id=str(item.event_id), name=item.name, reason=item.reason,
                          at=None if item.at is None else item.at.isoformat()) for item in breaks],
    )  # fmt: skip
