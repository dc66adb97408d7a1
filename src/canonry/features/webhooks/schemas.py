"""Shapes of requests and answers about webhooks."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.features.webhooks.models import Delivery, Webhook

Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Patterns = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(min_length=1, max_length=50)]
_EVENTS = (
    "names of events, or all with one first word: `deployment.*`, `project.*`, `domain.*`, `preview.*`, `member.*`; `*` for all of them"
)


class CreateWebhook(BaseModel):
    """Body of POST /v1/webhooks. Without `events`: `deployment.*`."""

    model_config = ConfigDict(extra="forbid")
    url: Url = Field(examples=["https://example.com/hook"])
    events: Patterns | None = Field(None, description=_EVENTS, examples=[["deployment.failed", "domain.*"]])
    project: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None, description="slug or id: only events of this project"
    )


class ChangeWebhook(BaseModel):
    """Body of PATCH /v1/webhooks/{webhook}; what is absent stays."""

    model_config = ConfigDict(extra="forbid")
    url: Url | None = None
    events: Patterns | None = Field(None, description=_EVENTS)
    active: bool | None = None


class WebhookBody(BaseModel):
    """A webhook as the API shows it; its secret is never shown again."""

    id: str
    url: str
    events: list[str]
    project_id: str | None
    active: bool
    failing_since: str | None = Field(description="of the first failure after the last success")
    disabled_reason: str | None = Field(description="why Canonry switched it off")
    created_at: str
    updated_at: str


class WebhookAnswer(BaseModel):
    """One webhook."""

    webhook: WebhookBody


class CreatedWebhook(WebhookAnswer):
    """A new webhook with its secret, which is shown this once."""

    secret: str = Field(examples=["whsec_…"])


class WebhooksAnswer(BaseModel):
    """One page of webhooks."""

    webhooks: list[WebhookBody]
    next_cursor: str | None = None


class AttemptBody(BaseModel):
    """One try. status: what was answered; error: why nothing was. response: the beginning of the answer."""

    at: str
    status: int | None
    error: str | None
    duration_ms: int
    response: str


class DeliveryBody(BaseModel):
    """One message and what became of it."""

    id: str
    event: str
    status: str = Field(description="waiting, delivered or failed")
    attempts: list[AttemptBody]
    next_at: str | None = Field(description="when it is tried next")
    replay_of: str | None
    created_at: str
    finished_at: str | None
    message: dict[str, Any] = Field(description="what is sent")


class DeliveryAnswer(BaseModel):
    """One delivery."""

    delivery: DeliveryBody


class DeliveriesAnswer(BaseModel):
    """One page of deliveries."""

    deliveries: list[DeliveryBody]
    next_cursor: str | None = None


def webhook_body(webhook: Webhook) -> WebhookBody:
    """Return a webhook as the API shows it."""
    return WebhookBody(
        id=webhook.id, url=webhook.url, events=list(webhook.events), project_id=webhook.project_id, active=webhook.active,
        failing_since=webhook.failing_since.isoformat() if webhook.failing_since else None, disabled_reason=webhook.disabled_reason,
        created_at=webhook.created_at.isoformat(), updated_at=webhook.updated_at.isoformat(),
    )  # fmt: skip


def delivery_body(delivery: Delivery) -> DeliveryBody:
    """Return a delivery as the API shows it."""
    return DeliveryBody(
        id=delivery.id, event=delivery.event, status=delivery.status, replay_of=delivery.replay_of,
        attempts=[AttemptBody.model_validate(attempt) for attempt in delivery.attempts],
        next_at=delivery.next_at.isoformat() if delivery.next_at else None, created_at=delivery.created_at.isoformat(),
        finished_at=delivery.finished_at.isoformat() if delivery.finished_at else None, message=json.loads(delivery.body),
    )  # fmt: skip
