"""Secrets at rest: AES-256-GCM, with the row a value belongs to bound in, and keys derived from the one key of a Canonry."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra.files import write_atomic

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"  # of the format: version, nonce, ciphertext with its tag


class Vault:
    """Seals and opens values; gives other keys for other purposes. Safe to use from many threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._keys: dict[str, bytes] = {}
        self._cipher = AESGCM(self.key_for("values"))

    def key_for(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for one purpose (`cursors`, `csrf`); whoever knows one learns nothing about another."""
        if purpose not in self._keys:
            self._keys[purpose] = HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"canonry {purpose}".encode()).derive(self._key)
        return self._keys[purpose]

    def seal(self, value: str, *, bound: str) -> bytes:
        """Return `value` encrypted. bound: names the row (`variables prj_… production KEY`); only with the same words it opens again."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, value.encode(), bound.encode())

    def open(self, sealed: bytes, *, bound: str) -> Secret:
        """Return the value. Raises: Unavailable `secret_unreadable` (another key, another row, or changed bytes)."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return Secret(self._cipher.decrypt(nonce, ciphertext, bound.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise Unavailable("secret_unreadable", f"A stored secret cannot be read ({bound}): it was sealed with another key.",
                              hint="Bring back the file secret.key of this home, or set the value again.") from error  # fmt: skip


def load_key(path: Path) -> bytes:
    """Return the key of a Canonry, made at the first call (mode 0600). Raises: Unavailable `secret_key_damaged`."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        write_atomic(temporary, secrets.token_bytes(_KEY_BYTES), mode=0o600)
        try:
            os.link(temporary, path)  # fails when another process was faster: then its key is the one
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise Unavailable("secret_key_damaged", f"{path} does not hold a key of {_KEY_BYTES} bytes.",
                          hint="Bring it back from a backup: without it the stored secrets cannot be read.")  # fmt: skip
    return key
