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


def public_url(host: str, port: int) -> str:
    """Return the address at which people reach `host`; the port is left out when it is the usual one."""
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"
