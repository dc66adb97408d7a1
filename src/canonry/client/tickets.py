"""The part of the HTTP API about tickets that live in Canonry, and their syncs with specs."""

from typing import cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class TicketsApi:
    """Calls about the tickets of the organization."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def list(self, *, state: str | None, project_key: str | None, limit: int) -> list[Document]:
        """Return the newest ones. Raises: Invalid."""
        query = {"state": state, "project_key": project_key, "limit": str(min(limit, 500))}
        return cast("list[Document]", self._transport.send("GET", "/v1/tickets", query=query)["tickets"])

    def show(self, ticket: str) -> Document:
        """Return one. Raises: NotFound `ticket_not_found`."""
        return cast("Document", self._transport.send("GET", f"/v1/tickets/{quote(ticket, safe='')}")["ticket"])

    def change(self, ticket: str, changes: Document) -> Document:
        """Change one, and return it. Raises: NotFound `ticket_not_found`; Invalid."""
        return cast("Document", self._transport.send("PATCH", f"/v1/tickets/{quote(ticket, safe='')}", document=changes)["ticket"])


class TicketSyncsApi:
    """Calls about the syncs of one repository. repository: its name or id."""

    def __init__(self, credentials: Credentials, repository: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/repositories/{quote(repository, safe='')}/tickets/syncs"

    def start(self, direction: str, *, dry_run: bool) -> Document:
        """Ask for one. Raises: NotFound `repository_not_found`; Invalid."""
        return cast("Document", self._transport.send("POST", self._at, document={"direction": direction, "dry_run": dry_run})["sync"])

    def show(self, sync: str) -> Document:
        """Return one. Raises: NotFound `run_not_found`."""
        return cast("Document", self._transport.send("GET", f"{self._at}/{quote(sync, safe='')}")["sync"])

    def list(self) -> list[Document]:
        """Return the last ones."""
        return cast("list[Document]", self._transport.send("GET", self._at)["syncs"])
