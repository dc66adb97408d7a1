"""The certificate of databases that are reachable from outside, when nobody gave us one."""

import datetime as dt
from pathlib import Path

from canonry.infra.files import write_atomic

_DAYS = 3650


def own_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Return the files of a certificate for `host`, signed by itself, and of its key; they are made when they are not there."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not certificate.is_file():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(certificate, key, host)
    return certificate, key


def _make(certificate: Path, key: Path, host: str) -> None:
    from cryptography import x509  # noqa: PLC0415 -- seldom needed
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_atomic(key, private.private_bytes(encoding, form, serialization.NoEncryption()), mode=0o600)
    write_atomic(certificate, made.public_bytes(encoding))
