"""The domains and aliases of a project over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document

_LOOK_SECONDS = 60.0  # name servers may be slow, and three questions are asked


class Record(TypedDict):
    """A DNS record to make. purpose: routing or ownership."""

    type: str
    name: str
    value: str
    purpose: str
    note: str


class Check(TypedDict):
    """One thing that was looked at in the DNS."""

    check: str
    type: str
    name: str
    expected: list[str]
    found: list[str]
    ok: bool
    message: str


class Domain(TypedDict):
    """A name of a project. kind: subdomain, custom or alias. ssl: off, pending, issuing, active or failed."""

    hostname: str
    kind: str
    verified: bool
    points_here: bool | None
    primary: bool
    redirect: bool
    ssl: str
    ssl_expires_at: str | None
    ssl_error: str | None
    dns_records: list[Record]
    checks: list[Check]
    checked_at: str | None


class DomainsApi:
    """Calls about the names of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._project = f"/v1/projects/{quote(project, safe='')}"

    def list(self) -> list[Domain]:
        """Return every name of the project, the free subdomain first."""
        return cast("list[Domain]", self._transport.send("GET", f"{self._project}/domains")["domains"])

    def get(self, hostname: str) -> Domain:
        """Return one. Raises: NotFound."""
        return self._domain("GET", self._at(hostname))

    def attach(self, hostname: str, *, redirect: bool) -> Domain:
        """Claim a domain. Raises: Invalid, Conflict `domain_taken`."""
        document: Document = {"hostname": hostname, "redirect": redirect}
        return self._domain("POST", f"{self._project}/domains", document)

    def attach_alias(self, hostname: str) -> Domain:
        """Claim a further name that is served at once. Raises: Invalid, Conflict `domain_taken`."""
        made = self._transport.send("POST", f"{self._project}/aliases", document={"hostname": hostname})
        return self.get(str(made["hostname"]))

    def verify(self, hostname: str) -> Domain:
        """Look at its DNS now."""
        return self._domain("POST", f"{self._at(hostname)}/verify", timeout=_LOOK_SECONDS)

    def make_primary(self, hostname: str, document: Document) -> Domain:
        """Make it the primary one. Raises: Conflict `domain_not_verified`."""
        return self._domain("POST", f"{self._at(hostname)}/primary", document)

    def detach(self, hostname: str) -> None:
        """Give it up."""
        self._transport.send("DELETE", self._at(hostname))

    def _at(self, hostname: str) -> str:
        return f"{self._project}/domains/{quote(hostname, safe='')}"

    def _domain(self, method: str, path: str, document: Document | None = None, *, timeout: float | None = None) -> Domain:
        return cast("Domain", self._transport.send(method, path, document=document, timeout=timeout)["domain"])
