"""Webhooks over HTTP."""

from collections.abc import Sequence
from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport

_PAGE = 100


class Webhook(TypedDict):
    """An address that is told. An answer holds more; `--json` prints all of it."""

    id: str
    url: str
    events: list[str]
    project_id: str | None
    active: bool
    failing_since: str | None
    disabled_reason: str | None


class Attempt(TypedDict):
    """One try."""

    at: str
    status: int | None
    error: str | None
    duration_ms: int
    response: str


class Delivery(TypedDict):
    """One message and what became of it."""

    id: str
    event: str
    status: str
    attempts: list[Attempt]
    next_at: str | None
    created_at: str


class WebhooksApi:
    """Calls about the webhooks of one organization."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def list(self) -> Sequence[Webhook]:
        """Return every webhook."""
        found: list[Webhook] = []
        cursor: str | None = None
        while True:
            page = self._transport.send("GET", "/v1/webhooks", query={"limit": _PAGE, "cursor": cursor})
            found += page["webhooks"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def create(self, url: str, events: Sequence[str] | None, project: str | None) -> tuple[Webhook, str]:
        """Add a webhook; return it and its secret."""
        wanted = {"url": url, "events": list(events) if events else None, "project": project}
        document = {name: value for name, value in wanted.items() if value is not None}
        answer = self._transport.send("POST", "/v1/webhooks", document=document)
        return cast("Webhook", answer["webhook"]), str(answer["secret"])

    def switch(self, webhook: str, *, active: bool) -> Webhook:
        """Switch a webhook on or off."""
        return cast("Webhook", self._transport.send("PATCH", _of(webhook), document={"active": active})["webhook"])

    def delete(self, webhook: str) -> None:
        """Remove a webhook."""
        self._transport.send("DELETE", _of(webhook))

    def ping(self, webhook: str) -> Delivery:
        """Send a test message."""
        return cast("Delivery", self._transport.send("POST", f"{_of(webhook)}/ping")["delivery"])

    def deliveries(self, webhook: str, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries, at most `limit`."""
        found: list[Delivery] = []
        cursor: str | None = None
        while len(found) < limit:
            page = self._transport.send(
                "GET", f"{_of(webhook)}/deliveries", query={"limit": min(limit - len(found), _PAGE), "cursor": cursor}
            )
            found += page["deliveries"]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        return found

    def replay(self, webhook: str, delivery: str) -> Delivery:
        """Send a message again."""
        return cast("Delivery", self._transport.send("POST", f"{_of(webhook)}/deliveries/{quote(delivery, safe='')}/replay")["delivery"])


def _of(webhook: str) -> str:
    return f"/v1/webhooks/{quote(webhook, safe='')}"
