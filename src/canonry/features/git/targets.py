"""Which servers git may be sent to. Whoever may deploy names any address, and what lies inside this network is not for them to ask.

The name is looked up here, once, and git is told to connect to the very addresses that were checked: its own look-up could give others.
Git follows no redirect for the same reason; one to another path on the same server is followed by us.
"""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from canonry.core.errors import CanonryError, Invalid, Issue, Unavailable
from canonry.core.refs import RepositoryUrl, parse_repository_url
from canonry.core.secret import Secret
from canonry.core.settings import Settings, child_environment
from canonry.infra import outbound

_REFS = "/info/refs?service=git-upload-pack"
_PORTS = {"http": 80, "https": 443, "ssh": 22}


@dataclass(frozen=True)
class Targets:
    """everywhere: private addresses too. hosts: those inside this network that may be asked, `host` or `host:port`, lower case.

    files: file:// addresses of this machine.
    """

    everywhere: bool = False
    hosts: frozenset[str] = frozenset()
    files: bool = False

    def allow(self, host: str, port: int) -> bool:
        """Say whether this server may be asked although its address is not public."""
        return self.everywhere or not self.hosts.isdisjoint({host, f"{host}:{port}"})


PUBLIC = Targets()


@dataclass(frozen=True)
class Way:
    """How git reaches the server that was checked. config: git's settings; ssh: options of ssh."""

    config: Mapping[str, str] = field(default_factory=dict)
    ssh: Mapping[str, str] = field(default_factory=dict)


def targets_of(settings: Settings) -> Targets:
    """Return what the settings allow."""
    return Targets(settings.allow_private_targets, frozenset(settings.private_git_host_list), settings.allow_file_urls)


def way_to(address: RepositoryUrl, targets: Targets) -> Way:
    """Return how to reach a repository. Raises: Invalid `private_address`; Unavailable `repository_unreachable`."""
    if address.scheme == "file":  # accepted or refused where the address was parsed
        return Way()
    host, port = _server_of(address)
    try:
        found = outbound.look_up_all(host, port, allow_private=targets.allow(host, port))
    except Invalid as error:
        raise Invalid(
            "private_address", f"{host} is an address inside this network; repositories there may not be read.",
            hint=f"Push to Canonry instead. Whoever runs it may allow the server: CANONRY_PRIVATE_GIT_HOSTS={host}:{port}.",
            issues=[Issue("repo_url", "an address inside this network", "private_address")],
        ) from error  # fmt: skip
    except Unavailable as error:
        if _has_proxy(address.scheme):  # which looks names up itself, and may know more of them than we do
            return Way({"http.followRedirects": "false"})
        raise Unavailable(
            "repository_unreachable", f"{address} could not be reached: {error.message}", hint="Check the address."
        ) from error
    if address.scheme == "ssh":
        alias = host if port == _PORTS["ssh"] else f"[{host}]:{port}"
        return Way(ssh={"HostName": found[0], "HostKeyAlias": alias})
    pinned = ",".join(f"[{one}]" if ":" in one else one for one in found)
    config = {"http.followRedirects": "false"}
    return Way(config if _is_address(host) else {**config, "http.curloptResolve": f"{host}:{port}:{pinned}"})


def moved_to(address: RepositoryUrl, targets: Targets, credential: Secret | None) -> RepositoryUrl | None:
    """Return where the server redirects to when that is another path on the very same server, else None."""
    host, port = _server_of(address)
    headers = {} if credential is None else {"Authorization": f"Basic {b64encode(credential.reveal().encode()).decode()}"}
    try:
        reply = outbound.request("GET", f"{address.text}{_REFS}", headers=headers, allow_private=targets.allow(host, port))
        place = urljoin(f"{address.text}{_REFS}", reply.headers.get("location", ""))
        found = parse_repository_url(place.removesuffix(_REFS))
    except CanonryError:
        return None
    same = found.scheme == address.scheme and _server_of(found) == (host, port)
    return found if same and place.endswith(_REFS) and found.text != address.text else None


def _server_of(address: RepositoryUrl) -> tuple[str, int]:
    if "://" not in address.text:  # git@host:path
        host = address.text.partition(":")[0].rpartition("@")[2]
        return host.strip("[]").lower(), _PORTS["ssh"]
    parts = urlsplit(address.text)
    return (parts.hostname or "").lower(), parts.port or _PORTS[address.scheme]


def _has_proxy(scheme: str) -> bool:
    names = {"https": {"https_proxy", "HTTPS_PROXY"}, "http": {"http_proxy"}}.get(scheme, set())
    return any(child_environment().get(name) for name in names)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
