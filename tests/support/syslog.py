"""A syslog server on loopback, over TCP, TLS or UDP, and a certificate for it."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class SyslogServer:
    """What came: whole messages, in order. keeps_open: it does not close when its client has said its last word."""

    url: str = ""
    keeps_open: bool = False
    messages: list[str] = field(default_factory=list)


@contextmanager
def syslog_server(kind: str, certificate: tuple[Path, Path] | None = None) -> Iterator[SyslogServer]:
    """Give a server of that kind (tcp, tls, udp). certificate: its files, certificate and key, for tls."""
    state = SyslogServer()
    stopping = threading.Event()
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(0.05)
    state.url = f"{kind}://127.0.0.1:{listener.getsockname()[1]}"
    if kind != "udp":
        listener.listen()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context is not None and certificate is not None:
        context.load_cert_chain(*certificate)
    thread = threading.Thread(target=_serve, args=(listener, state, context, stopping), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        stopping.set()
        thread.join()
        listener.close()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a syslog server")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, secret


def _serve(listener: socket.socket, state: SyslogServer, context: ssl.SSLContext | None, stopping: threading.Event) -> None:
    while not stopping.is_set():
        with suppress(TimeoutError):
            if listener.type == socket.SOCK_DGRAM:
                state.messages.append(listener.recv(65536).decode())
                continue
            connection, _ = listener.accept()
            with suppress(OSError):
                _read(connection, state, context, stopping)


def _read(connection: socket.socket, state: SyslogServer, context: ssl.SSLContext | None, stopping: threading.Event) -> None:
    connection.settimeout(10)
    if context is not None:
        connection = context.wrap_socket(connection, server_side=True)
    with connection:
        data = b""
        while part := connection.recv(65536):
            data += part
            data = _take(data, state)
        if isinstance(connection, ssl.SSLSocket):
            with suppress(OSError):
                connection.unwrap()
        if state.keeps_open:
            stopping.wait(10)


def _take(data: bytes, state: SyslogServer) -> bytes:
    """Take whole messages off the front, each with its length before it."""
    while b" " in data:
        length, _, rest = data.partition(b" ")
        if len(rest) < int(length):
            break
        state.messages.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return data
