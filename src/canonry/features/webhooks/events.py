"""Facts about webhooks. None of them is told to webhooks. `url` in them is the host only: the rest may hold a secret."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class WebhookCreated(Event):
    """Somebody added a webhook."""

    name: ClassVar[str] = "webhook.created"
    webhook_id: str


@dataclass(frozen=True)
class WebhookChanged(Event):
    """Somebody changed a webhook."""

    name: ClassVar[str] = "webhook.changed"
    webhook_id: str


@dataclass(frozen=True)
class WebhookDeleted(Event):
    """Somebody removed a webhook."""

    name: ClassVar[str] = "webhook.deleted"
    webhook_id: str


@dataclass(frozen=True)
class WebhookPinged(Event):
    """Somebody sent a test message."""

    name: ClassVar[str] = "webhook.pinged"
    webhook_id: str
    delivery_id: str


@dataclass(frozen=True)
class WebhookReplayed(Event):
    """Somebody sent a message again. replay_of: the delivery whose message it is."""

    name: ClassVar[str] = "webhook.replayed"
    webhook_id: str
    delivery_id: str
    replay_of: str


@dataclass(frozen=True)
class WebhookDisabled(Event):
    """Canonry switched a webhook off, because it has failed for days."""

    name: ClassVar[str] = "webhook.disabled"
    webhook_id: str
