"""Where the mail server is: the parts of CANONRY_SMTP_URL."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from canonry.core.secret import Secret


class Tls(StrEnum):
    """How the connection is protected. In both protected ways the certificate is checked."""

    NONE = "none"
    STARTTLS = "starttls"
    FROM_THE_START = "from the start"


_PORTS = {Tls.NONE: 25, Tls.STARTTLS: 587, Tls.FROM_THE_START: 465}


@dataclass(frozen=True)
class SmtpServer:
    """A mail server that takes our mail. user, password: both or neither."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: Secret | None = None


def parse_smtp_url(url: Secret) -> SmtpServer:
    """Read `smtp://[user:password@]host[:port][?starttls=1]` or `smtps://…`; what is special in user and password is percent-encoded.

    Raises: ValueError with what is wrong; the text of the address is not in it, since it may hold a password.
    """
    parts = urlsplit(url.reveal())
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path not in {"", "/"} or parts.fragment:
        raise ValueError("expected smtp://[user:password@]host[:port][?starttls=1] or smtps://…")
    if set(options) - {"starttls"} or options.get("starttls", "1") not in {"0", "1"}:
        raise ValueError("the only option is starttls=1 (or 0)")
    if parts.scheme == "smtps" and "starttls" in options:
        raise ValueError("smtps:// is protected from the start: leave starttls out")
    if (parts.username is None) != (parts.password is None):
        raise ValueError("give user and password, or neither")
    tls = Tls.FROM_THE_START if parts.scheme == "smtps" else Tls.STARTTLS if options.get("starttls") == "1" else Tls.NONE
    if parts.username and tls is Tls.NONE and not _is_here(parts.hostname):
        raise ValueError("a password must not go over the network unprotected: add ?starttls=1, or use smtps://")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is no number from 1 to 65535") from None  # whose own text may show a part of a password
    return SmtpServer(
        parts.hostname, port or _PORTS[tls], tls, None if parts.username is None else unquote(parts.username),
        None if parts.password is None else Secret(unquote(parts.password)),
    )  # fmt: skip


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
