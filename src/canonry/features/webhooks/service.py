"""Use cases: add, list, change and remove webhooks, look at what was delivered, send it again."""

import secrets
from collections.abc import Mapping, Sequence

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import Conflict, NotFound
from canonry.core.events import known_names
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.core.secret import Secret
from canonry.features import accounts, projects
from canonry.features.webhooks import store
from canonry.features.webhooks.events import WebhookChanged, WebhookCreated, WebhookDeleted, WebhookPinged, WebhookReplayed
from canonry.features.webhooks.models import Delivery, Webhook
from canonry.features.webhooks.rules import DEFAULT, PING, check_patterns, check_target, ping_of, shown_target
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

_MOST = 50
_PREFIX = "whsec_"


def create(
    tx: Tx, actor: Actor, vault: Vault, *, url: str, events: Sequence[str] | None, project: str | None, allow_private: bool
) -> tuple[Webhook, Secret]:
    """Add a webhook; return it with its secret, which is shown this once. project: slug or id, for events of that project only.

    Raises: Invalid `invalid_url`, `private_address`, `unknown_event`; Conflict `too_many_webhooks`; NotFound `project_not_found`;
    Denied `email_not_verified`: whoever took somebody else's address must leave nothing behind that listens.
    """
    require(actor, Permission.ORG_MANAGE)
    accounts.require_verified(tx, actor.user_id)
    check_target(url, allow_private=allow_private)
    patterns = check_patterns(DEFAULT if events is None else events, known_names())
    project_id = projects.find(tx, actor, project).id if project is not None else actor.project_id
    store.lock_organization(tx, actor.organization_id)
    if store.count(tx, actor.organization_id) >= _MOST:
        raise Conflict(
            "too_many_webhooks", f"There are {_MOST} webhooks already, the most there may be.", hint="Remove one you do not need."
        )
    webhook_id, secret = new_id("whk"), _PREFIX + secrets.token_hex(32)
    store.insert(tx, {
        "id": webhook_id, "organization_id": actor.organization_id, "project_id": project_id, "url": url, "events": patterns,
        "sealed_secret": vault.seal(secret, bound=bound_to(webhook_id)), "created_by": actor.user_id,
    })  # fmt: skip
    webhook = find(tx, actor, webhook_id)
    tx.emit(WebhookCreated(actor.organization_id, webhook_id), after=_facts(webhook))
    return webhook, Secret(secret)


def bound_to(webhook_id: str) -> str:
    """Return what the secret of a webhook is sealed to."""
    return f"webhooks {webhook_id}"


def find(tx: Tx, actor: Actor, webhook_id: str) -> Webhook:
    """Return one of the caller's webhooks. Raises: NotFound `webhook_not_found`."""
    require(actor, Permission.ORG_MANAGE)
    found = None if "\0" in webhook_id else store.find(tx, actor.organization_id, webhook_id)
    if found is None or actor.project_id not in {None, found.project_id}:
        raise NotFound("webhook_not_found", f"There is no webhook {webhook_id!r}.", hint="`canonry webhooks ls` lists yours.")
    return found


def page(tx: Tx, actor: Actor, wanted: Page) -> tuple[Sequence[Webhook], str | None]:
    """Return one page of the caller's webhooks, newest first, and the next cursor."""
    require(actor, Permission.ORG_MANAGE)
    return cut(store.page(tx, actor.organization_id, wanted, only=actor.project_id), wanted)


def change(tx: Tx, actor: Actor, webhook_id: str, changes: Mapping[str, object], *, allow_private: bool) -> Webhook:
    """Change url, events or active. Switched on again it is told what happens from then on, and what still waited for it.

    Raises: NotFound `webhook_not_found`; Invalid `invalid_url`, `private_address`, `unknown_event`.
    """
    before = find(tx, actor, webhook_id)
    if isinstance(url := changes.get("url"), str):
        check_target(url, allow_private=allow_private)
    if isinstance(events := changes.get("events"), list):
        changes = {**changes, "events": check_patterns(events, known_names())}
    if changes.get("active") is True and not before.active:
        store.skip_to_now(tx, webhook_id)
        changes = {**changes, "failing_since": None, "disabled_reason": None, "not_before": None}
    if changes:
        store.update(tx, webhook_id, changes)
    after = find(tx, actor, webhook_id)
    if _facts(before) != _facts(after) or before.url != after.url:
        tx.emit(WebhookChanged(actor.organization_id, webhook_id), before=_facts(before), after=_facts(after))
    return after


def delete(tx: Tx, actor: Actor, webhook_id: str) -> None:
    """Remove a webhook and its log. Raises: NotFound `webhook_not_found`."""
    webhook = find(tx, actor, webhook_id)
    store.delete(tx, webhook.id)
    tx.emit(WebhookDeleted(actor.organization_id, webhook.id), before=_facts(webhook))


def deliveries(tx: Tx, actor: Actor, webhook_id: str, wanted: Page) -> tuple[Sequence[Delivery], str | None]:
    """Return one page of what a webhook got, newest first, and the next cursor. Raises: NotFound `webhook_not_found`."""
    return cut(store.deliveries(tx, find(tx, actor, webhook_id).id, wanted), wanted)


def ping(tx: Tx, actor: Actor, webhook_id: str) -> Delivery:
    """Send a test message. Raises: NotFound `webhook_not_found`; Conflict `webhook_inactive`."""
    webhook = _active(tx, actor, webhook_id)
    delivery_id = new_id("dlv")
    body = ping_of(delivery_id, now(), actor.organization_id, actor.organization_handle)
    store.insert_delivery(tx, delivery_id=delivery_id, webhook_id=webhook.id, event=PING, body=body)
    store.update(tx, webhook.id, {"not_before": None})  # whoever tries has mended something
    tx.emit(WebhookPinged(actor.organization_id, webhook.id, delivery_id), after={"url": shown_target(webhook.url)})
    return _delivery(tx, webhook, delivery_id)


def replay(tx: Tx, actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Send the message of a delivery again, as a new one. Raises: NotFound `webhook_not_found`, `delivery_not_found`; Conflict."""
    old = _delivery(tx, find(tx, actor, webhook_id), delivery_id)
    webhook = _active(tx, actor, webhook_id)
    again = new_id("dlv")
    store.insert_delivery(tx, delivery_id=again, webhook_id=webhook.id, event=old.event, body=old.body, replay_of=old.id)
    store.update(tx, webhook.id, {"not_before": None})
    tx.emit(WebhookReplayed(actor.organization_id, webhook.id, again, old.id), after={"url": shown_target(webhook.url), "event": old.event})
    return _delivery(tx, webhook, again)


def _active(tx: Tx, actor: Actor, webhook_id: str) -> Webhook:
    webhook = find(tx, actor, webhook_id)
    if not webhook.active:
        raise Conflict(
            "webhook_inactive",
            f"The webhook {webhook_id} is switched off.",
            hint=f"Switch it on: canonry webhooks on {webhook_id}, or PATCH it with active=true.",
        )
    return webhook


def _delivery(tx: Tx, webhook: Webhook, delivery_id: str) -> Delivery:
    found = None if "\0" in delivery_id else store.find_delivery(tx, webhook.id, delivery_id)
    if found is None:
        raise NotFound("delivery_not_found", f"There is no delivery {delivery_id!r} of this webhook.", hint="They are kept for 30 days.")
    return found


def _facts(webhook: Webhook) -> dict[str, object]:
    return {"url": shown_target(webhook.url), "events": list(webhook.events), "project": webhook.project_id, "active": webhook.active}
