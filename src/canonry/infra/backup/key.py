"""The key of the archive. Whoever has it and the archive has everything; without it the archive is worth nothing."""

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Conflict, Invalid, NotFound
from canonry.core.secret import Secret
from canonry.infra.files import write_atomic

_BYTES = 32
_PREFIX = "canonry-backup-key-"


@dataclass(frozen=True, repr=False)
class BackupKey:
    """32 bytes. It is written as `canonry-backup-key-…`, so that people know what they have found years later."""

    raw: bytes

    @property
    def id(self) -> str:
        """What names the key without telling it: 16 hex digits."""
        return hashlib.sha256(b"canonry backup key id" + self.raw).hexdigest()[:16]

    @property
    def text(self) -> Secret:
        """The key as people keep it."""
        return Secret(_PREFIX + base64.urlsafe_b64encode(self.raw).decode().rstrip("="))

    def __repr__(self) -> str:
        return f"BackupKey({self.id})"


def parse_key(text: str) -> BackupKey:
    """Return the key that `text` is. Raises: Invalid `invalid_backup_key`."""
    body = text.strip()
    try:
        raw = base64.urlsafe_b64decode(body.removeprefix(_PREFIX) + "=")
    except (binascii.Error, ValueError):
        raw = b""
    if not body.startswith(_PREFIX) or len(raw) != _BYTES:
        raise Invalid(
            "invalid_backup_key", "This is not a key of backups.", hint=f"It begins with {_PREFIX} and has 43 characters after that."
        )
    return BackupKey(raw)


def new_key() -> BackupKey:
    """Return a key that nobody has."""
    return BackupKey(secrets.token_bytes(_BYTES))


def load_key(path: Path) -> BackupKey:
    """Return the key in this file, made at the first call (mode 0600; a file is there whole or not at all).

    Raises: Conflict `backup_key_damaged`; NotFound `backup_key_missing` when the folder is not there, as with a key on a stick.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    if not path.parent.is_dir():
        raise NotFound("backup_key_missing", f"The folder of the key of backups, {path.parent}, is not there.",
                       hint="Bring it back (mount it), or correct CANONRY_BACKUPS_KEY_FILE.")  # fmt: skip
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    write_atomic(temporary, new_key().text.reveal() + "\n", mode=0o600)
    try:
        os.link(temporary, path)  # fails when another process was faster: then its key is the one
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return _read(path)


def _read(path: Path) -> BackupKey:
    try:
        return parse_key(path.read_text(encoding="utf-8"))
    except (Invalid, UnicodeDecodeError) as error:
        raise Conflict("backup_key_damaged", f"{path} does not hold a key of backups.",
                       hint="Bring it back from where you keep a copy; older backups cannot be read without it.") from error  # fmt: skip
