r"""The files in `edge/routes`: one per host, one line each. Written by CaddyEdge, read by the configuration that config.py makes.

    proxy <boot> <n> <address> ... <address>     n instances, valid during that boot of the machine only
    site <tag> <folder>                          static files; the tag becomes part of every ETag
    spa <tag> <folder>                           the same, unknown paths answer index.html
    page <name>                                  a plain page
    redirect <host>                              308 to the same path and query at another host

A file that fits none of these (another boot, cut short by a power failure) answers the page `dead`, no file at all `unknown`.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from canonry.core.errors import Invalid
from canonry.core.hosts import parse_host
from canonry.ports.edge import Page

MOST_INSTANCES = 32
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


def proxy_entry(addresses: Sequence[str], boot: str) -> str:
    """Return the line for these instances. Raises: Invalid `invalid_address`, `too_many_instances`."""
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise Invalid("invalid_address", f"{address!r} is not an address of an instance.", hint="Addresses look like 127.0.0.1:34567.")
    if len(addresses) > MOST_INSTANCES:
        raise Invalid("too_many_instances", f"A host can have {MOST_INSTANCES} instances, not {len(addresses)}.", hint="Scale it down.")
    return " ".join(["proxy", boot, str(len(addresses)), *addresses])


def site_entry(folder: Path, *, single_page: bool) -> bytes:
    """Return the line for a folder of static files, whatever bytes its path has. Raises: Invalid `invalid_site`."""
    path = os.fsencode(folder)
    if not folder.is_absolute() or b"\n" in path:
        raise Invalid("invalid_site", f"{str(folder)!r} cannot be served: the path must be absolute and without a line break.")
    return b" ".join([b"spa" if single_page else b"site", _tag(folder).encode(), path])


def page_entry(page: Page) -> str:
    """Return the line for a plain page."""
    return f"page {page}"


def redirect_entry(to: str) -> str:
    """Return the line that sends clients to the host `to`. Raises: Invalid `invalid_hostname`."""
    return f"redirect {parse_host(to)}"


def boot_token() -> str:
    """Return a word that is another one after each start of the machine or of the container.

    Addresses of instances do not outlive the boot: afterwards the same port may belong to somebody else's app.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    try:
        first_process = Path("/proc/1/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:  # /proc mounted with hidepid
        first_process = ""
    return hashlib.sha256(f"{boot} {first_process}".encode()).hexdigest()[:12]


def _tag(folder: Path) -> str:
    """Caddy's ETag is made of a file's time and size; with this, two artifacts never share one."""
    try:
        made = folder.stat()
    except OSError as error:
        raise Invalid("invalid_site", f"The site folder {folder} cannot be read: {error.strerror}.") from error
    return hashlib.sha256(f"{os.fsencode(folder)!r} {made.st_ino} {made.st_mtime_ns}".encode()).hexdigest()[:8]
