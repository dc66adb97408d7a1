"""Restored databases of a project over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document

_PATIENCE = 120.0  # seconds: the archive is looked through before it is answered


class TableDifference(TypedDict):
    """A table that is not the same in both."""

    table: str
    change: str
    live: int | None
    restored: int | None
    exact: bool
    column: str | None
    newest_live: str | None
    newest_restored: str | None


class Difference(TypedDict):
    """What differs from the live database."""

    tables: list[TableDifference]
    same: int
    complete: bool
    why: str | None


class Restore(TypedDict):
    """A database as it was at a moment, beside the live one."""

    id: str
    state: str
    step: str
    at: str
    backup_id: str | None
    dump_id: str | None
    database_id: str | None
    difference: Difference | None
    error: Document | None
    pause_ms: int | None
    undo_until: str | None
    created_at: str


class Span(TypedDict):
    """Every moment between these two can be restored."""

    start: str
    end: str


class RestoresApi:
    """Calls about the restored databases of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._database = f"/v1/projects/{quote(project, safe='')}/database"
        self._at = f"{self._database}/restores"

    def reach(self) -> list[Span]:
        """Return to which moments the database can be restored."""
        return cast("list[Span]", self._transport.send("GET", f"{self._database}/reach", timeout=_PATIENCE)["spans"])

    def create(self, wanted: Document) -> Restore:
        """Ask for the database as it was. wanted: one of `at` (with its zone), `backup`, `dump`. Raises: Invalid, Conflict, NotFound."""
        return self._one("POST", self._at, wanted)

    def list(self, limit: int) -> list[Restore]:
        """Return the newest restores, at most `limit` (and 100)."""
        return cast("list[Restore]", self._transport.send("GET", self._at, query={"limit": str(min(limit, 100))})["restores"])

    def get(self, restore: str) -> Restore:
        """Return one. Raises: NotFound `restore_not_found`."""
        return self._one("GET", self._of(restore))

    def promote(self, restore: str) -> Restore:
        """Let it take the place of the live database."""
        return self._one("POST", f"{self._of(restore)}/promote")

    def undo(self, restore: str) -> Restore:
        """Let the database of before it be live again."""
        return self._one("POST", f"{self._of(restore)}/undo")

    def discard(self, restore: str) -> Restore:
        """Give it up."""
        return self._one("DELETE", self._of(restore))

    def _of(self, restore: str) -> str:
        return f"{self._at}/{quote(restore, safe='')}"

    def _one(self, method: str, path: str, document: Document | None = None) -> Restore:
        return cast("Restore", self._transport.send(method, path, document=document, timeout=_PATIENCE)["restore"])
