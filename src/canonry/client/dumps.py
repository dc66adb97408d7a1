"""Dumps of the database of a project over HTTP."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class Dump(TypedDict):
    """A dump of a database. at: the moment it holds. rows: table → rows in it."""

    id: str
    trigger: str
    state: str
    at: str | None
    size_bytes: int
    data_bytes: int
    rows: dict[str, int | None]
    error: Document | None
    started_at: str
    ended_at: str | None


class DumpsApi:
    """Calls about the dumps of the database of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/database/dumps"

    def list(self, limit: int) -> list[Dump]:
        """Return the newest dumps, at most `limit` of them."""
        rows: list[Dump] = []
        cursor: str | None = None
        while len(rows) < limit:
            answer = self._transport.send("GET", self._at, query={"limit": str(min(limit - len(rows), 100)), "cursor": cursor})
            rows += cast("list[Dump]", answer["dumps"])
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        return rows

    def get(self, dump: str) -> Dump:
        """Return one. Raises: NotFound `dump_not_found`."""
        return cast("Dump", self._transport.send("GET", self._of(dump))["dump"])

    def content(self, dump: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open what a dump holds. Raises: NotFound, Conflict, and Unavailable `connection_broken` when it breaks off before its end."""
        return self._transport.download(f"{self._of(dump)}/content")

    def _of(self, dump: str) -> str:
        return f"{self._at}/{quote(dump, safe='')}"
