"""The edge: the server that takes requests from outside and brings each host to its site or its instances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Page(StrEnum):
    """The plain pages the edge answers itself, with their status: stopped 503, unknown 404, dead 502."""

    STOPPED = "stopped"
    UNKNOWN = "unknown"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered. at: unix time of its end. seconds: how long it took, to the last byte of the answer."""

    host: str
    at: float
    status: int
    seconds: float


@dataclass(frozen=True)
class Requests:
    """Some requests, and where to go on. more: there are further ones already."""

    requests: Sequence[Request]
    cursor: Mapping[str, int]
    more: bool = False


class Edge(Protocol):
    """Routes hosts. Every call is idempotent, survives a restart of the edge, and is in force when it returns.

    Hosts are lower-case names without a port, already checked by the caller (`core.hosts`). A change of one host never fails or
    delays a request of another one, and never closes an open connection.
    """

    def serve_site(self, host: str, site: Path, *, single_page: bool = False) -> None:
        """Serve the static files in `site` at `host`, from the next request on.

        index.html for folders; `<path>.html` for `<path>`; 404.html when there is one; single_page: unknown paths answer index.html;
        `.br`, `.zst`, `.gz` beside a file are used when the client accepts them; names with a content hash are cached for a year.
        """
        ...

    def point(self, host: str, addresses: Sequence[str]) -> None:
        """Send requests for `host` to these addresses (`127.0.0.1:34567`), in turn; no request is lost by the switch.

        With no address the host answers the page `dead` (502).
        """
        ...

    def show_page(self, host: str, page: Page) -> None:
        """Answer every request for `host` with that plain page."""
        ...

    def redirect(self, host: str, to: str) -> None:
        """Answer every request for `host` with 308 to the host `to`: the same scheme and port as asked for, path and query kept."""
        ...

    def remove(self, host: str) -> None:
        """Forget the host; it answers `unknown` (404)."""
        ...

    def hosts(self) -> list[str]:
        """Return every host the edge knows, sorted."""
        ...

    def is_up(self) -> bool:
        """Say whether requests are being served just now."""
        ...

    def requests(self, after: Mapping[str, int]) -> Requests:
        """Return the requests that were answered since `after`, the cursor of the call before ({} for everything that is kept).

        Only requests to hosts that the edge knows; whatever a client writes into its Host header makes no other. Each request is in one
        answer only, also after a restart of the edge or of the caller, so long as the cursor is kept. What lies before `after` is
        forgotten. A request appears a moment after its answer.
        """
        ...
