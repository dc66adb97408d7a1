"""Requests to the outside: to addresses that users give us (webhooks, log drains) and to services that Canonry is configured for.

A name is looked up once and the connection goes to the very address that was checked, so that a second look-up cannot lead elsewhere.
Redirects are not followed: they would lead around the check.
"""

import ipaddress
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from canonry import __version__
from canonry.core.errors import Invalid, Issue, Unavailable

_MOST = 1 << 20  # bytes of an answer that are read
_PORTS = {"http": 80, "https": 443}
_UNICAST = ipaddress.ip_network("2000::/3")  # what of IPv6 is handed out for the internet
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses, as networks that only have IPv6 reach them


@dataclass(frozen=True)
class Reply:
    """What the other side answered; of the body at most 1 MiB. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 -- JSON
        """Return the parsed body. Raises: Unavailable `bad_answer`."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unavailable("bad_answer", "The other side answered something that is no JSON.") from error


def request(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, timeout: float = 10.0,
    allow_private: bool = False,
) -> Reply:  # fmt: skip
    """Send one request. timeout: seconds for all of it after the look-up of the name. allow_private: also to addresses that are not public.

    Raises: Invalid `invalid_url`, `private_address`; Unavailable `unreachable`.
    """
    parts = parse_url(url)
    port = parts.port or _PORTS[parts.scheme]
    name = str(parts.hostname)
    address = look_up(name, port, allow_private=allow_private)
    sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": f"Canonry/{__version__}", **(headers or {})}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    limits = Timeout(connect=timeout, read=timeout)
    deadline = _Deadline(timeout)
    with _pool(parts.scheme, name, address, port, limits) as pool, deadline.over(pool):
        try:
            answer = pool.urlopen(method, target, body=body, headers=sent, redirect=False, retries=False, preload_content=False)
            content = answer.read(_MOST, decode_content=True)
            answer.close()  # what is left of a long answer is not waited for
        except (HTTPError, OSError) as error:
            reason = f"it did not answer whole within {timeout:g} s" if deadline.passed else _reason(error)
            raise Unavailable("unreachable", f"{name} could not be reached: {reason}.", hint="Check the address.") from error
    if deadline.passed:
        raise Unavailable("unreachable", f"{name} did not answer whole within {timeout:g} s.", hint="Check the address.")
    return Reply(answer.status, {key.lower(): value for key, value in answer.headers.items()}, content)


def parse_url(url: str, field: str = "url") -> SplitResult:
    """Return the parts of an http or https address with a host. Raises: Invalid `invalid_url`."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("invalid_url", f"{url[:200]!r} is not the address of a web server.", hint="Write it as https://host/path.",
                      issues=[Issue(field, "not an http or https address", "url")])  # fmt: skip
    return parts


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the open internet: not loopback, private, link-local, shared, reserved or multicast."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in _TRANSLATED:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        elif parsed not in _UNICAST or parsed.sixtofour is not None:
            return False
    return parsed.is_global and not parsed.is_multicast


def look_up(name: str, port: int, *, allow_private: bool) -> str:
    """Return an address of `name` to connect to. Raises: Unavailable `unreachable`; Invalid `private_address` unless those are allowed."""
    return look_up_all(name, port, allow_private=allow_private)[0]


def look_up_all(name: str, port: int, *, allow_private: bool) -> list[str]:
    """Return all addresses of `name`, the best first. Raises: as `look_up`; one private address among them is enough."""
    try:
        found = [str(item[4][0]) for item in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Unavailable("unreachable", f"The name {name} is not known.", hint="Check the address.") from error
    if not allow_private and not all(is_public(address) for address in found):
        raise Invalid("private_address", f"{name} is an address inside this network, which users may not reach through Canonry.",
                      hint="CANONRY_ALLOW_PRIVATE_TARGETS=1 permits it.")  # fmt: skip
    return list(dict.fromkeys(found))


class _Deadline:
    """Cuts a connection when its time is over: a peer that sends a byte now and then would never run into the limit of one wait."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.passed = False

    @contextmanager
    def over(self, pool: urllib3.HTTPConnectionPool) -> Iterator[None]:
        """Watch the connections that the pool makes."""
        made: list[Any] = []
        kind = pool.ConnectionCls

        def connection(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- urllib3's own
            made.append(kind(*arguments, **options))
            return made[-1]

        pool.ConnectionCls = connection  # type: ignore[assignment]
        timer = threading.Timer(self._seconds, self._cut, (made,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self, made: list[Any]) -> None:
        self.passed = True
        for connection in made:
            with suppress(OSError, AttributeError):  # it may be closed, or not yet open
                connection.sock.shutdown(socket.SHUT_RDWR)


def _pool(scheme: str, name: str, address: str, port: int, timeout: Timeout) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    return urllib3.HTTPSConnectionPool(address, port, timeout=timeout, server_hostname=name, assert_hostname=name)


def _reason(error: Exception) -> str:
    text = str(error).rpartition(": ")[2].strip() or type(error).__name__
    return text[:200].rstrip(".")
