"""An edge without a server: it keeps the routes in memory and answers when asked. For tests of everything above the edge."""

import hashlib
import http.client
import mimetypes
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import unquote

from canonry.adapters.edge.pages import DEAD, MISSING, STOPPED, UNKNOWN, PlainPage
from canonry.core.errors import Invalid
from canonry.core.hosts import parse_host
from canonry.ports.edge import Page, Request, Requests

_PAGES = {Page.STOPPED: STOPPED, Page.UNKNOWN: UNKNOWN, Page.DEAD: DEAD}
_HASHED = re.compile(r"[.\-_](?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}\.[A-Za-z0-9.]+$")
_ENCODINGS = (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz"))


@dataclass(frozen=True)
class Answer:
    """What a client would get. headers: names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Site:
    folder: Path
    single_page: bool
    tag: str


@dataclass(frozen=True)
class _Instances:
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class _Redirect:
    to: str


class MemoryEdge:
    """The edge port in memory. `answer` is the request that a client would send to the real one."""

    def __init__(self) -> None:
        self._routes: dict[str, _Site | _Instances | _Redirect | Page] = {}
        self._turn = count()
        self._answered: list[Request] = []
        self._forgotten = 0

    def serve_site(self, host: str, site: Path, *, single_page: bool = False) -> None:
        """Serve the files in `site`. Raises: Invalid `unsafe_site` (a symlink leads outside), `invalid_site`."""
        root = site.resolve()
        if not root.is_dir():
            raise Invalid("invalid_site", f"The site folder {site} cannot be read.")
        for path in root.rglob("*"):
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise Invalid("unsafe_site", f"{path.relative_to(root)} is a link that leads out of the site.")
        self._routes[host] = _Site(root, single_page, hashlib.sha256(os.fsencode(root)).hexdigest()[:8])

    def point(self, host: str, addresses: Sequence[str]) -> None:
        """Send requests to these addresses, in turn; none: the page `dead`."""
        self._routes[host] = _Instances(tuple(addresses)) if addresses else Page.DEAD

    def show_page(self, host: str, page: Page) -> None:
        """Answer every request with that page."""
        self._routes[host] = page

    def redirect(self, host: str, to: str) -> None:
        """Answer every request with 308 to the same path at another host."""
        self._routes[host] = _Redirect(parse_host(to))

    def remove(self, host: str) -> None:
        """Forget the host."""
        self._routes.pop(host, None)

    def hosts(self) -> list[str]:
        """Return every host the edge knows, sorted."""
        return sorted(self._routes)

    def addresses(self, host: str) -> list[str]:
        """Return where requests for the host go; empty for sites and pages."""
        route = self._routes.get(host)
        return list(route.addresses) if isinstance(route, _Instances) else []

    def answer(self, host: str, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to `GET path` at `host`. headers: those of the request."""
        began = time.perf_counter()
        answer = self._answer(host, path, headers)
        if host in self._routes:
            self._answered.append(Request(host, time.time(), answer.status, time.perf_counter() - began))
        return answer

    def is_up(self) -> bool:
        """Say yes."""
        return True

    def requests(self, after: Mapping[str, int]) -> Requests:
        """Return the requests that were answered since `after`."""
        seen = max(after.get("all", 0), self._forgotten)
        del self._answered[: seen - self._forgotten]
        self._forgotten = seen
        return Requests(tuple(self._answered), {"all": seen + len(self._answered)})

    def _answer(self, host: str, path: str, headers: Mapping[str, str] | None) -> Answer:
        match self._routes.get(host):
            case None:
                return _plain(UNKNOWN)
            case Page() as page:
                return _plain(_PAGES[page])
            case _Instances(addresses):
                return self._forward(addresses, host, path, headers or {})
            case _Redirect(to):
                return Answer(308, b"", {"location": f"http://{to}{path}", "cache-control": "max-age=300"})
            case _Site() as site:
                return _static(site, path, {name.lower(): value for name, value in (headers or {}).items()})

    def _forward(self, addresses: tuple[str, ...], host: str, path: str, headers: Mapping[str, str]) -> Answer:
        first = next(self._turn)
        for step in range(len(addresses)):
            name, _, port = addresses[(first + step) % len(addresses)].rpartition(":")
            connection = http.client.HTTPConnection(name, int(port), timeout=10)
            try:
                connection.connect()
            except OSError:
                continue
            try:
                connection.request("GET", path, headers={**headers, "Host": host})
                answer = connection.getresponse()
                return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
            except (OSError, http.client.HTTPException):
                return _plain(DEAD)
            finally:
                connection.close()
        return _plain(DEAD)


def _static(site: _Site, path: str, headers: Mapping[str, str]) -> Answer:
    path = unquote(path.partition("?")[0])
    parts = [part for part in path.split("/") if part]
    hidden = any(part.startswith(".") and (index or part != ".well-known") for index, part in enumerate(parts))
    target = site.folder.joinpath(*parts)
    if hidden:
        return _missing(site)
    if not path.endswith("/"):
        if target.is_file():
            return _file(site, target, headers, cached=bool(_HASHED.search(target.name)))
        if (page := target.with_name(target.name + ".html")).is_file():
            return _file(site, page, headers)
        if (target / "index.html").is_file() and parts:
            return Answer(308, b"", {"location": f"{path}/"})
    if (target / "index.html").is_file():
        return _file(site, target / "index.html", headers)
    is_page = "." not in path.rpartition("/")[2] or "text/html" in headers.get("accept", "")
    if site.single_page and is_page and (site.folder / "index.html").is_file():
        return _file(site, site.folder / "index.html", headers)
    return _missing(site)


def _missing(site: _Site) -> Answer:
    own = site.folder / "404.html"
    return Answer(404, own.read_bytes(), {"content-type": "text/html", "cache-control": "no-cache"}) if own.is_file() else _plain(MISSING)


def _file(site: _Site, path: Path, headers: Mapping[str, str], *, cached: bool = False) -> Answer:
    found: dict[str, str] = {
        "content-type": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        "cache-control": "public, max-age=31536000, immutable" if cached else "no-cache",
    }
    for name, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if name in headers.get("accept-encoding", "") and packed.is_file():
            path, found["content-encoding"] = packed, name
            break
    body = path.read_bytes()
    found["etag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}-{site.tag}"'
    if headers.get("if-none-match") == found["etag"]:
        return Answer(304, b"", found)
    return Answer(200, body, found)


def _plain(page: PlainPage) -> Answer:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Answer(page.status, page.as_html().encode(), headers | ({"retry-after": str(page.retry_after)} if page.retry_after else {}))
