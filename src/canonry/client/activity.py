"""The audit trail over HTTP."""

from collections.abc import Iterator
from typing import TypedDict, cast

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport

_PAGE = 500


class Actor(TypedDict):
    """Who did something."""

    id: str
    name: str | None
    credential: str


class Event(TypedDict):
    """One thing that happened. An answer holds more; `--json` prints all of it."""

    id: str
    at: str
    kind: str
    name: str
    summary: str
    actor: Actor
    address: str


class Head(TypedDict):
    """The newest event of a chain."""

    organization_id: str
    event_id: str
    events: int
    hash: str
    at: str


class Break(TypedDict):
    """The first event of a chain that does not fit."""

    organization_id: str
    event_id: str
    at: str | None
    name: str
    reason: str


class Verdict(TypedDict):
    """What the check of the chain found."""

    ok: bool
    events: int
    unchained: int
    heads: list[Head]
    broken: list[Break]


class ActivityApi:
    """Calls about the audit trail of one organization."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def events(self, *, limit: int, **filters: str | None) -> Iterator[Event]:
        """Give the newest events, newest first, at most `limit`. filters: project, actor, name, kind, since, until, platform."""
        cursor: str | None = None
        while limit > 0:
            page = self._transport.send("GET", "/v1/activity", query={**filters, "limit": min(limit, _PAGE), "cursor": cursor})
            found = cast("list[Event]", page["events"])
            yield from found
            limit -= len(found)
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def verify(self, *, platform: bool) -> Verdict:
        """Recompute the chain of the organization, or of every one."""
        query = {"platform": "true"} if platform else {}
        return cast("Verdict", self._transport.send("GET", "/v1/activity/verify", query=query, timeout=600))
