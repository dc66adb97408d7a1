"""Makes the requests: beside the worker, so that no slow receiver keeps a deploy waiting.

One request at a time goes to a webhook, so a slow receiver holds one thread and nobody else up; those that failed the last time share half
of the threads, so that the others always have some. What is under way when the process dies is made again by the next one.
"""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Unavailable
from canonry.core.mail import Mail
from canonry.features import accounts
from canonry.features.webhooks import store
from canonry.features.webhooks.context import Context
from canonry.features.webhooks.events import WebhookDisabled
from canonry.features.webhooks.models import Outgoing, Webhook
from canonry.features.webhooks.publish import publish
from canonry.features.webhooks.rules import DEAD_AFTER, KEPT_DAYS, excerpt, hold, pause, shown_target, signature
from canonry.features.webhooks.service import bound_to
from canonry.infra import outbound
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_log = logging.getLogger(__name__)
_THREADS = 16
_FOR_FAILING = 8
_TIMEOUT = 10.0
_TURN = 30.0  # seconds after which a webhook with much to get makes room for others
_CLEAN_EVERY = 3600.0


class Sender:
    """Has its turn once a second, in one process of a Canonry at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._busy: dict[str, bool] = {}  # webhook id → whether it failed the last time
        self._closing = False
        self._next_cleaning = 0.0

    def round(self) -> None:
        """Make deliveries of what has happened, and begin those that are due."""
        with self._context.transactions.begin() as tx:
            publish(tx)
            with self._lock:
                busy = dict(self._busy)
            free = _THREADS - len(busy)
            found = store.with_something_due(tx, busy, free) if free > 0 else []
        room = _FOR_FAILING - sum(busy.values())
        for webhook_id, failing in found:
            if failing and room <= 0:
                continue
            room -= failing
            with self._lock:
                self._busy[webhook_id] = failing
            threading.Thread(target=self._serve, args=(webhook_id,), name="webhook", daemon=True).start()
        self._clean()

    def close(self) -> None:
        """Begin nothing more; what is under way ends with the process and is made again."""
        self._closing = True

    def _serve(self, webhook_id: str) -> None:
        """Deliver what is due to one webhook, one after the other, until nothing is, one fails, or others wait."""
        until = time.monotonic() + _TURN
        try:
            while not self._closing and time.monotonic() < until:
                with self._context.transactions.begin() as tx:
                    delivery = store.next_due(tx, webhook_id)
                if delivery is None or not self._deliver(delivery):
                    return
        except CanonryError as error:
            _log.warning("webhook %s: %s", webhook_id, error.message)
        except Exception:  # noqa: BLE001 -- the edge of a thread; the next round tries again
            if not self._closing:
                _log.exception("webhook %s", webhook_id)
        finally:
            with self._lock:
                self._busy.pop(webhook_id, None)

    def _deliver(self, delivery: Outgoing) -> bool:
        """Make one request, note how it went, and say whether it arrived."""
        began = now()
        started = time.monotonic()
        attempt: dict[str, Any] = {"at": began.isoformat(), "status": None, "error": None, "response": ""}
        try:
            secret = self._context.vault.open(delivery.sealed_secret, bound=bound_to(delivery.webhook_id)).reveal()
            headers = {
                "Content-Type": "application/json", "X-Canonry-Event": delivery.event, "X-Canonry-Delivery": delivery.id,
                "X-Canonry-Signature": signature(secret, delivery.body, int(began.timestamp())),
            }  # fmt: skip
            reply = outbound.request(
                "POST", delivery.url, headers=headers, body=delivery.body.encode(), timeout=_TIMEOUT,
                allow_private=self._context.settings.allow_private_targets,
            )  # fmt: skip
            attempt |= {"status": reply.status, "response": excerpt(reply.body)}
        except CanonryError as error:
            if isinstance(error, Unavailable) and error.code == "database_unavailable":
                raise
            attempt["error"] = error.message
        attempt["duration_ms"] = round((time.monotonic() - started) * 1000)
        arrived = attempt["status"] is not None and 200 <= attempt["status"] < 300
        with self._context.transactions.begin() as tx:
            self._record(tx, delivery, attempt, arrived=arrived)
        return arrived

    def _record(self, tx: Tx, delivery: Outgoing, attempt: dict[str, Any], *, arrived: bool) -> None:
        wait = None if arrived else pause(delivery.tries + 1)
        status = "delivered" if arrived else "failed" if wait is None else "waiting"
        store.record(tx, delivery.id, attempt, status=status, next_at=None if wait is None else now() + timedelta(seconds=wait))
        webhook = store.get(tx, delivery.webhook_id)
        if webhook is None:  # removed meanwhile
            return
        if arrived:
            if webhook.failing_since is not None:
                store.update(tx, webhook.id, {"failing_since": None, "not_before": None})
            return
        since = webhook.failing_since or now()
        store.update(tx, webhook.id, {"failing_since": since, "not_before": now() + hold(now() - since)})
        if webhook.active and now() - since > DEAD_AFTER:
            self._disable(tx, webhook)

    def _disable(self, tx: Tx, webhook: Webhook) -> None:
        """Switch off a webhook that has failed for days, and tell who added it and the owners."""
        reason = f"nothing has arrived there for {DEAD_AFTER.days} days"
        store.update(tx, webhook.id, {"active": False, "disabled_reason": reason})
        tx.emit(WebhookDisabled(webhook.organization_id, webhook.id), before={"active": True}, after={"active": False, "reason": reason})
        text = (
            f"The webhook {webhook.id} to {shown_target(webhook.url)} was switched off: {reason}.\n\n"
            f"canonry webhooks deliveries {webhook.id} shows what was tried; canonry webhooks on {webhook.id} switches it on again.\n"
        )
        for person in accounts.reachable_members(tx, webhook.organization_id):
            if person.role == "owner" or person.user_id == webhook.created_by:
                queue_mail(tx, self._context.vault, Mail(person.email, "A webhook was switched off", text))

    def _clean(self) -> None:
        if time.monotonic() >= self._next_cleaning:
            self._next_cleaning = time.monotonic() + _CLEAN_EVERY
            with self._context.transactions.begin() as tx:
                store.delete_old(tx, KEPT_DAYS)
