"""A real SMTP server on a port of its own, in a thread of the test."""

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Post:
    """What the server does and has got. replies: what it says to a recipient, when not yes."""

    port: int = 0
    got: list[tuple[list[str], bytes]] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    end_reply: str = ""
    needs_login: bool = False

    async def handle_RCPT(self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: object) -> str:  # noqa: N802 -- named by aiosmtpd
        """Take or refuse a recipient."""
        if self.needs_login and not session.authenticated:
            return "530 sign in first"
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802 -- named by aiosmtpd
        """Take a message."""
        if self.end_reply:
            return self.end_reply
        content = envelope.content
        self.got.append((list(envelope.rcpt_tos), content if isinstance(content, bytes) else str(content).encode()))
        return "250 OK"


@contextmanager
def smtp_server(
    *, certificate: Path | None = None, implicit: bool = False, login: tuple[str, str] | None = None
) -> Iterator[Post]:  # fmt: skip
    """Run a server. certificate: a file with key and certificate for STARTTLS, or for TLS from the start. login: user and password."""
    post = Post(needs_login=login is not None)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401
        asked = isinstance(data, LoginPassword) and login and (data.login.decode(), data.password.decode()) == login
        return AuthResult(success=bool(asked), handled=bool(asked))

    def protocol() -> SMTP:
        made = SMTP(post, tls_context=None if implicit else context, authenticator=authenticate, auth_require_tls=False,
                    hostname="test")  # fmt: skip
        protocols.append(made)
        return made

    protocols: list[SMTP] = []

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=context if implicit else None))
    post.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield post
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        for made in protocols:
            if made.transport is not None:
                made.transport.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.02))
        loop.close()


def make_certificate(path: Path, name: str) -> Path:
    """Write a key and a certificate for `name`, signed by itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
