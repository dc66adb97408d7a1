"""Host names: parsed once, then trusted."""

import re

from canonry.core.errors import Invalid, Issue

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def parse_host(text: str) -> str:
    """Return the host in lower case without a trailing dot.

    Rules: RFC 1123, 253 characters, labels of 1 to 63. Raises: Invalid `invalid_hostname`.
    """
    host = text.strip().lower().removesuffix(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise Invalid(
            "invalid_hostname", f"{text!r} is not a host name.", hint="Use letters, digits and inner hyphens, like app.example.com.",
            issues=[Issue("hostname", "not a host name (RFC 1123)", "hostname")],
        )  # fmt: skip
    return host


def parse_domain(text: str, field: str = "hostname") -> str:
    """Return a hostname that somebody may own: of at least two labels, in lower case, `bücher.example` as `xn--bcher-kva.example`.

    Raises: Invalid `invalid_hostname`, also for wildcards, addresses and numbers in place of a name.
    """
    name = text.strip().rstrip(".").lower()
    if name.startswith("*."):
        raise _no_domain(text, field, "a wildcard", "Attach each name by itself: www.example.com, shop.example.com.")
    try:
        ascii_name = name.encode("idna").decode("ascii") if not name.isascii() else name
        host = parse_host(ascii_name)
    except (UnicodeError, Invalid) as error:
        raise _no_domain(text, field, "not a host name", "Use a name like www.example.com, without https:// and path.") from error
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        raise _no_domain(text, field, "not a whole domain name", "Use a name like www.example.com.")
    return host


def _no_domain(text: str, field: str, fault: str, hint: str) -> Invalid:
    shown = repr(text if len(text) <= 80 else text[:77] + "...")
    return Invalid("invalid_hostname", f"{shown} cannot be attached: it is {fault}.", hint=hint, issues=[Issue(field, fault, "hostname")])


def public_url(host: str, port: int, *, secure: bool = False) -> str:
    """Return the address at which people reach `host`; the port is left out when it is the usual one."""
    scheme, usual = ("https", 443) if secure else ("http", 80)
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"
