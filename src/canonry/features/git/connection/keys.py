"""Deploy keys: an ed25519 pair for one project, in the forms that OpenSSH reads."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from canonry.core.secret import Secret


def new_pair(comment: str) -> tuple[Secret, str]:
    """Return a fresh key: the private half for git, the public half (`ssh-ed25519 … comment`) for the host of the repository."""
    private = Ed25519PrivateKey.generate()
    kept = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Secret(kept), f"{public} {comment}"


def fingerprint(public_key: str) -> str:
    """Return `SHA256:…` of a public key, or of a pinned line of known_hosts, as ssh and the hosts of repositories show it."""
    word = next(word for word in public_key.split() if word.startswith("AAAA"))
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(word)).digest()).decode().rstrip("=")
