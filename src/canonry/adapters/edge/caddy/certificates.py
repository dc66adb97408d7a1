"""Certificates of Caddy: a file for each permitted name, a handshake on loopback to obtain one, the storage to look at what there is."""

import json
import os
import socket
import ssl
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canonry.adapters.edge.caddy.tls import loopback, storage_of
from canonry.core.clock import now
from canonry.core.errors import Invalid, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import sync_folder, write_atomic
from canonry.ports.certificates import Certificate

if TYPE_CHECKING:
    from cryptography import x509

_SECONDS = 120.0  # an authority may take its time
_LOG_BYTES = 256 << 10  # of the end of Caddy's log, in which the reason of a failure stands


class CaddyCertificates:
    """The port over Caddy's files and its HTTPS listener."""

    def __init__(self, home: Home, settings: Settings, *, timeout: float = _SECONDS) -> None:
        self._permits, self._storage, self._log = home.permits, storage_of(home.edge), home.logs / "caddy.log"
        self._settings, self._timeout = settings, timeout

    def obtain(self, host: str) -> Certificate:
        """Permit the name and shake hands until it has a certificate. Raises: Unavailable `certificate_failed`."""
        if not self._settings.tls_is_on:
            raise Unavailable("certificate_failed", "HTTPS is off.", hint="CANONRY_TLS and CANONRY_HTTPS_PORT turn it on.")
        if self._read(host) != "active":
            self._write(host, "issuing")
        begun = self._log.stat().st_size if self._log.exists() else 0
        try:
            found = self._shake_hands(host)
        except OSError as error:
            known = self.find(host)
            if known is None or known.expires_at <= now():
                self.forbid(host)
                message = f"No certificate for {host}: {self._reason(host, begun) or error}"
                raise Unavailable("certificate_failed", message, hint=f"The whole story is in {self._log}.") from error
            found = known  # the edge is just restarting, or cannot renew it yet: what is valid goes on being shown
        self._write(host, "active")
        return found

    def find(self, host: str) -> Certificate | None:
        """Return the newest certificate for the name, from files."""
        own = [Path(self._settings.tls_certificate)] if self._settings.tls_certificate else []
        best: Certificate | None = None
        for path in [*own, *self._storage.glob(f"certificates/*/{_file(host)}/{_file(host)}.crt")]:
            try:
                certificate = _load(path.read_bytes())
            except (OSError, ValueError):
                continue  # being replaced this moment
            if _covers(certificate, host) and (best is None or certificate.not_valid_after_utc > best.expires_at):
                best = _plain(certificate)
        return best

    def forbid(self, host: str) -> None:
        """Permit the name no more."""
        path = self._permits / _file(host)
        try:
            path.unlink()
            sync_folder(self._permits)
        except FileNotFoundError:
            return

    def permitted(self) -> list[str]:
        """Return the permitted names, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self._permits) if not entry.name.startswith("."))
        except FileNotFoundError:
            return []

    def _shake_hands(self, host: str) -> Certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # We look at our own server: which certificate it shows, whoever made it. Nothing is sent over the connection.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        address = (loopback(self._settings), self._settings.https_port)
        with socket.create_connection(address, timeout=self._timeout) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
            certificate = _load(secure.getpeercert(binary_form=True) or b"")
        if not _covers(certificate, host):
            raise OSError("the edge shows a certificate for other names")
        return _plain(certificate)

    def _reason(self, host: str, begun: int) -> str:
        """Return what Caddy wrote about this name since, empty when it wrote nothing."""
        try:
            with self._log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(begun if begun <= size else 0, size - _LOG_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        for line in reversed(lines):
            entry = _parsed(line)
            if host in {entry.get("identifier"), entry.get("name"), entry.get("server_name"), entry.get("domain")} and entry.get("error"):
                return str(entry["error"])[:500]
        return ""

    def _read(self, host: str) -> str:
        try:
            return (self._permits / _file(host)).read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    def _write(self, host: str, word: str) -> None:
        self._permits.mkdir(parents=True, exist_ok=True)
        write_atomic(self._permits / _file(host), word, sync=True)


def _file(host: str) -> str:
    if not host or "/" in host or "\0" in host or host.startswith(".") or "*" in host:
        raise Invalid("invalid_hostname", f"{host!r} is not a host name.")
    return host


def _load(data: bytes) -> "x509.Certificate":
    from cryptography import x509  # noqa: PLC0415 -- 5 MB, and most Canonries on laptops never look at a certificate

    return x509.load_pem_x509_certificate(data) if data.startswith(b"-----") else x509.load_der_x509_certificate(data)


def _covers(certificate: "x509.Certificate", host: str) -> bool:
    from cryptography import x509  # noqa: PLC0415 -- as above

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        return False
    return host in names or f"*.{host.partition('.')[2]}" in names


def _plain(certificate: "x509.Certificate") -> Certificate:
    expires: datetime = certificate.not_valid_after_utc
    return Certificate(expires, certificate.issuer.rfc4514_string())


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
