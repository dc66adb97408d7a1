"""Addresses that a drain may send to."""

import ipaddress
import ssl
from urllib.parse import SplitResult, urlsplit

from canonry.core.errors import CanonryError, Invalid, Issue
from canonry.infra.outbound import is_public, parse_url

SYSLOG_PORTS = {"tcp": 514, "tls": 6514, "udp": 514}
_LOCAL = ("localhost", ".localhost", ".local", ".internal")


def check_http(url: str, *, allow_private: bool) -> str:
    """Return the address as it may be shown: the path and the query may hold a token. Raises: Invalid `invalid_url`, `private_address`."""
    parts = parse_url(url, "body.url")
    _refuse_private(parts, allow_private=allow_private)
    has_more = parts.path not in {"", "/"} or bool(parts.query)
    return f"{parts.scheme}://{parts.netloc}/" + ("…" if has_more else "")


def check_syslog(url: str, *, allow_private: bool) -> str:
    """Return the address as it may be shown. Raises: Invalid `invalid_url`, `private_address`."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in SYSLOG_PORTS and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        known = False
    if (
        not known
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise Invalid("invalid_url", f"{url[:200]!r} is not the address of a syslog server.",
                      hint="Write it as tls://host:6514, tcp://host:514 or udp://host:514.",
                      issues=[Issue("body.url", "not a syslog address", "url")])  # fmt: skip
    _refuse_private(parts, allow_private=allow_private)
    return f"{parts.scheme}://{parts.netloc}"


def check_authority(pem: str) -> str:
    """Return certificates that can be trusted. Raises: Invalid `invalid_certificate`."""
    try:
        if not pem.isascii() or "\0" in pem:
            raise ValueError("not text")
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise Invalid("invalid_certificate", "These are no certificates.",
                      hint="Give them in PEM form: -----BEGIN CERTIFICATE----- and so on.",
                      issues=[Issue("body.ca", "not a PEM certificate", "certificate")]) from error  # fmt: skip
    return pem


def _refuse_private(parts: SplitResult, *, allow_private: bool) -> None:
    """Refuse what can be seen to be inside; a name is looked up, and checked, at each attempt to send."""
    name = str(parts.hostname).rstrip(".")
    if allow_private or not (name == _LOCAL[0] or name.endswith(_LOCAL[1:]) or _is_inside(name)):
        return
    raise Invalid("private_address", f"{name} is an address inside this network, which users may not reach through Canonry.",
                  hint="CANONRY_ALLOW_PRIVATE_TARGETS=1 permits it.",
                  issues=[Issue("body.url", "not a public address", "private_address")])  # fmt: skip


def _is_inside(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return not is_public(name)


def reason(error: CanonryError) -> str:
    """Return why an attempt failed, in one line for people."""
    return " ".join(error.message.split())[:300]
