"""HTTP for outgoing webhooks and what was delivered to them."""

from canonry.core.access import Permission
from canonry.features.webhooks import service
from canonry.features.webhooks.schemas import (
    ChangeWebhook,
    CreatedWebhook,
    CreateWebhook,
    DeliveriesAnswer,
    DeliveryAnswer,
    WebhookAnswer,
    WebhooksAnswer,
    delivery_body,
    webhook_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Webhooks"])


@router.operation("POST", "/webhooks", Permission.ORG_MANAGE, status_code=201, errors=(404, 409))
def create_webhook(body: CreateWebhook, actor: ActorDep, tx: TxDep, services: ServicesDep) -> CreatedWebhook:
    """Add a webhook. Its secret signs every message and is shown this once."""
    allowed = services.settings.allow_private_targets
    webhook, secret = service.create(
        tx, actor, services.vault, url=body.url, events=body.events, project=body.project, allow_private=allowed
    )
    return CreatedWebhook(webhook=webhook_body(webhook), secret=secret.reveal())


@router.operation("GET", "/webhooks", Permission.ORG_MANAGE)
def list_webhooks(page: PageDep, actor: ActorDep, tx: TxDep) -> WebhooksAnswer:
    """List your webhooks, newest first."""
    rows, cursor = service.page(tx, actor, page)
    return WebhooksAnswer(webhooks=[webhook_body(row) for row in rows], next_cursor=cursor)


@router.operation("GET", "/webhooks/{webhook}", Permission.ORG_MANAGE)
def get_webhook(webhook: str, actor: ActorDep, tx: TxDep) -> WebhookAnswer:
    """Show one webhook."""
    return WebhookAnswer(webhook=webhook_body(service.find(tx, actor, webhook)))


@router.operation("PATCH", "/webhooks/{webhook}", Permission.ORG_MANAGE)
def change_webhook(webhook: str, body: ChangeWebhook, actor: ActorDep, tx: TxDep, services: ServicesDep) -> WebhookAnswer:
    """Change where it goes, what it is told, or whether it is on. Switched on again, it gets what still waited and what happens then."""
    changes = body.model_dump(exclude_none=True)
    changed = service.change(tx, actor, webhook, changes, allow_private=services.settings.allow_private_targets)
    return WebhookAnswer(webhook=webhook_body(changed))


@router.operation("DELETE", "/webhooks/{webhook}", Permission.ORG_MANAGE, status_code=204)
def delete_webhook(webhook: str, actor: ActorDep, tx: TxDep) -> None:
    """Remove a webhook and the log of its deliveries."""
    service.delete(tx, actor, webhook)


@router.operation("POST", "/webhooks/{webhook}/ping", Permission.ORG_MANAGE, status_code=202, errors=(409,))
def ping_webhook(webhook: str, actor: ActorDep, tx: TxDep) -> DeliveryAnswer:
    """Send a test message; its delivery shows how that went."""
    return DeliveryAnswer(delivery=delivery_body(service.ping(tx, actor, webhook)))


@router.operation("GET", "/webhooks/{webhook}/deliveries", Permission.ORG_MANAGE)
def list_deliveries(webhook: str, page: PageDep, actor: ActorDep, tx: TxDep) -> DeliveriesAnswer:
    """List what was sent to a webhook in the last 30 days, newest first, with every try."""
    rows, cursor = service.deliveries(tx, actor, webhook, page)
    return DeliveriesAnswer(deliveries=[delivery_body(row) for row in rows], next_cursor=cursor)


@router.operation("POST", "/webhooks/{webhook}/deliveries/{delivery}/replay", Permission.ORG_MANAGE, status_code=202, errors=(409,))
def replay_delivery(webhook: str, delivery: str, actor: ActorDep, tx: TxDep) -> DeliveryAnswer:
    """Send the message of a delivery again, as a new delivery with a new signature."""
    return DeliveryAnswer(delivery=delivery_body(service.replay(tx, actor, webhook, delivery)))
