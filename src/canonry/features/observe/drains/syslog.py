"""Sending lines to a syslog server: RFC 5424 messages, over TCP and TLS with their length before each (RFC 6587, 5425), or over UDP.

Syslog has no answer. Over TCP the end of our side is sent and the server's end awaited: a server that closes in return has read all of it.
Over UDP nobody can tell what has arrived.
"""

import contextlib
import fcntl
import socket
import ssl
import struct
import termios
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from canonry.core.errors import Unavailable
from canonry.features.observe.drains.models import Entry, Target
from canonry.features.observe.drains.target import SYSLOG_PORTS
from canonry.infra.outbound import look_up

_TIMEOUT = 10.0
_LAST_WORD = 3.0
_PRIORITY = 14  # facility user, severity informational: the lines of apps have none of their own
_GAP_PRIORITY = 12  # severity warning
_ENTERPRISE = "canonry@32473"
_LONGEST_DATAGRAM = 8192


def send(target: Target, entries: Sequence[Entry], batch: str) -> None:
    """Send the lines over one connection. Raises: Unavailable, Invalid `private_address`."""
    parts = urlsplit(target.url.reveal())
    name, port = str(parts.hostname), parts.port or SYSLOG_PORTS[parts.scheme]
    address = look_up(name, port, allow_private=target.allow_private)
    messages = [message_of(entry, batch) for entry in entries]
    try:
        if parts.scheme == "udp":
            _send_datagrams(address, port, messages)
        else:
            _send_stream(address, port, messages, _tls(target) if parts.scheme == "tls" else None, name)
    except (OSError, ValueError) as error:
        raise Unavailable("unreachable", f"{name}:{port} could not be reached: {_reason(error)}.", hint="Check the address.") from error


def message_of(entry: Entry, batch: str) -> bytes:
    """Return one RFC 5424 message. batch: is the same when a line is sent again."""
    data = {"instance": entry.instance, "deployment": entry.deployment, "environment": entry.environment, "batch": batch}
    if entry.gap:
        data["gapBytes"] = str(entry.gap)
    structured = " ".join(f'{name}="{_value(value)}"' for name, value in data.items())
    stamp = entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{_GAP_PRIORITY if entry.gap else _PRIORITY}>1 {stamp} {_word(entry.project, 255)} {_word(entry.project, 48)}"
    return (
        f"{head} {_word(entry.process, 128)} - [{_ENTERPRISE} {structured}] ".encode()
        + b"\xef\xbb\xbf"
        + entry.text.encode(errors="replace")
    )


def _send_stream(address: str, port: int, messages: Sequence[bytes], context: ssl.SSLContext | None, name: str) -> None:
    with socket.create_connection((address, port), timeout=_TIMEOUT) as plain:
        if context is None:
            plain.sendall(_framed(messages))
            plain.shutdown(socket.SHUT_WR)
            _await_end(plain, lambda: plain.recv(4096))
            return
        with context.wrap_socket(plain, server_hostname=name) as secured:
            secured.sendall(_framed(messages))
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # it has closed in return, without the last word of TLS
                _await_end(secured, lambda: _say_goodbye(secured))


def _say_goodbye(connection: ssl.SSLSocket) -> bytes:
    connection.unwrap()
    return b""


def _await_end(connection: socket.socket, read: Callable[[], bytes]) -> None:
    """Return when the server has closed in return. One that keeps its side open has the lines when its machine has acknowledged them."""
    connection.settimeout(_LAST_WORD)
    try:
        while read():
            pass
    except TimeoutError:
        unacknowledged = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        if unacknowledged:
            raise


def _send_datagrams(address: str, port: int, messages: Sequence[bytes]) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))  # so that a port where nobody listens is noticed
        for message in messages:
            sender.send(message[:_LONGEST_DATAGRAM])


def _framed(messages: Sequence[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


def _tls(target: Target) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=target.authority) if target.authority else ssl.create_default_context()


def _word(text: str, longest: int) -> str:
    return "".join(letter if "!" <= letter <= "~" else "_" for letter in text)[:longest] or "-"


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it gave no answer within {_TIMEOUT:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
