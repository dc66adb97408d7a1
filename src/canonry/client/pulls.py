"""The part of the HTTP API about pull requests."""

from typing import cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.repositories import id_of
from canonry.client.transport import Document


class PullsApi:
    """Calls about the pull requests of one repository. repository: its name, owner/name or id."""

    def __init__(self, credentials: Credentials, repository: str) -> None:
        self._transport = open_transport(credentials)
        self._path = f"/v1/repositories/{quote(id_of(self._transport, repository), safe='')}/pulls"

    def list(self, state: str | None) -> list[Document]:
        """Return the newest ones. state: open, merged or closed. Raises: NotFound; Invalid."""
        query = "" if state is None else f"?state={quote(state, safe='')}"
        return cast("list[Document]", self._transport.send("GET", self._path + query)["pull_requests"])

    def show(self, number: int) -> Document:
        """Return one with everything about it. Raises: NotFound."""
        return cast("Document", self._transport.send("GET", f"{self._path}/{number}")["pull_request"])

    def diff(self, number: int) -> str:
        """Return what it changes. Raises: NotFound."""
        return str(self._transport.send("GET", f"{self._path}/{number}/diff")["diff"])

    def open(self, head: str, *, title: str, body: str, base: str | None) -> Document:
        """Open one. Raises: NotFound; Invalid; Conflict."""
        document = {"head": head, "title": title, "body": body, "base": base}
        return cast("Document", self._transport.send("POST", self._path, document=document)["pull_request"])

    def review(self, number: int, verdict: str, body: str) -> Document:
        """Say what one thinks. Raises: NotFound; Invalid; Conflict `pull_request_ended`."""
        return self._transport.send("POST", f"{self._path}/{number}/reviews", document={"verdict": verdict, "body": body})

    def merge(self, number: int, head: str | None) -> Document:
        """Merge it as it was looked at. Raises: NotFound; Conflict."""
        answer = self._transport.send("POST", f"{self._path}/{number}/merge", document={"head": head})
        return cast("Document", answer["pull_request"])

    def close(self, number: int) -> Document:
        """Close it. Raises: NotFound; Conflict `pull_request_ended`."""
        return self._transport.send("POST", f"{self._path}/{number}/close")
