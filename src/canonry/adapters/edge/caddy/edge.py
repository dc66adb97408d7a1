"""Routes hosts by writing one small file each. No call of Caddy, no reload: the next request reads the new file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from canonry.adapters.edge.caddy.admin import is_ready
from canonry.adapters.edge.caddy.config import own_hosts
from canonry.adapters.edge.caddy.entries import boot_token, page_entry, proxy_entry, redirect_entry, site_entry
from canonry.adapters.edge.caddy.requests import read_requests
from canonry.core.errors import Invalid, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import sync_folder, write_atomic
from canonry.ports.edge import Page, Requests


class CaddyEdge:
    """The edge port on Caddy. Needs no running Caddy to be called; one that runs obeys at once."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._routes = home.routes
        self._requests = home.edge_requests
        self._admin = home.caddy_admin
        self._own = frozenset(own_hosts(settings))
        self._boot = boot_token()

    def serve_site(self, host: str, site: Path, *, single_page: bool = False) -> None:
        """Serve the files in `site`. Raises: Invalid `invalid_site`, `unsafe_site` (a symlink leads outside)."""
        _refuse_escapes(site)
        self._write(host, site_entry(site, single_page=single_page), sync=True)

    def point(self, host: str, addresses: Sequence[str]) -> None:
        """Send requests to these addresses, in turn; none: the page `dead`. Raises: Invalid `invalid_address`, `too_many_instances`."""
        if addresses:
            # Not synced: after a power cut the instances are gone too, and the line is void because it names the boot.
            self._write(host, proxy_entry(addresses, self._boot), sync=False)
        else:
            self.show_page(host, Page.DEAD)

    def show_page(self, host: str, page: Page) -> None:
        """Answer every request with that page."""
        self._write(host, page_entry(page), sync=True)

    def redirect(self, host: str, to: str) -> None:
        """Answer every request with 308 to the same path at another host. Raises: Invalid `invalid_hostname`."""
        self._write(host, redirect_entry(to), sync=True)

    def remove(self, host: str) -> None:
        """Forget the host."""
        path = self._file(host)
        try:
            path.unlink()
            sync_folder(self._routes)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unwritable(path, error) from error

    def hosts(self) -> list[str]:
        """Return every host the edge knows, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self._routes) if not entry.name.startswith("."))
        except FileNotFoundError:
            return []

    def is_up(self) -> bool:
        """Say whether the Caddy in charge answers."""
        return is_ready(self._admin)

    def requests(self, after: Mapping[str, int]) -> Requests:
        """Return the requests that were answered since `after`."""
        return read_requests(self._requests, after)

    def _write(self, host: str, line: str | bytes, *, sync: bool) -> None:
        path = self._file(host)
        try:
            self._routes.mkdir(parents=True, exist_ok=True)
            write_atomic(path, line, sync=sync)
        except OSError as error:
            raise _unwritable(path, error) from error

    def _file(self, host: str) -> Path:
        if not host or "/" in host or "\0" in host or host.startswith("."):
            raise Invalid("invalid_hostname", f"{host!r} is not a host name.")
        if host in self._own:
            raise Invalid("reserved_host", f"{host} is Canonry's own host.", hint="Choose another host.")
        return self._routes / host


def _refuse_escapes(site: Path) -> None:
    """Caddy follows symlinks; one that leads out of the site would publish files of the machine."""
    root = os.path.realpath(site)
    folders = [root]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError as error:
            raise Invalid("invalid_site", f"The site folder {site} cannot be read: {error.strerror}.") from error
        for entry in entries:
            if entry.is_symlink():
                target = os.path.realpath(entry.path)
                if target != root and not target.startswith(root + os.sep):
                    name = os.path.relpath(entry.path, root)
                    raise Invalid("unsafe_site", f"{name} is a link that leads out of the site.", hint="Put the file itself in the site.")
            elif entry.is_dir():
                folders.append(entry.path)


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable("edge_unwritable", f"The route {path} cannot be written: {error.strerror}.", hint="Check the disk and permissions.")
