"""Uploaded archives: taken as a stream, kept under their SHA-256, which is also what makes a second upload of the same bytes free."""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from canonry.core.errors import Invalid, Issue, TooLarge
from canonry.core.paths import Home
from canonry.features.deployments import store
from canonry.features.deployments.errors import StepFailed
from canonry.infra.archives import check, unpack
from canonry.infra.tx import Transactions, Tx

_CHUNK = 1 << 20
_UNPACKED_FACTOR = 4
_UNPACKED_FILES = 200_000
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Upload:
    """An archive that has come, whole and checked, and is not kept yet. archive: its SHA-256, under which it will be."""

    archive: str
    _file: Path
    _place: Path

    def keep(self) -> None:
        """Keep it. Whoever asks for a deployment of it does this in the transaction of that, with `store.hold_archive`."""
        self._file.replace(self._place)


@contextmanager
def received(home: Home, file: BinaryIO, *, limit_mb: int) -> Iterator[Upload]:
    """Give an archive that can be unpacked safely; what nobody kept is gone afterwards.

    Raises: TooLarge `archive_too_large` over `limit_mb` MiB, or four times that unpacked; Invalid `unsupported_archive` for other bytes
    than .zip or .tar.gz, `unsafe_archive` naming the entry.
    """
    temporary = home.uploads / f".{secrets.token_hex(8)}.tmp"
    digest, size = hashlib.sha256(), 0
    try:
        with temporary.open("xb") as target:
            while chunk := file.read(_CHUNK):
                if size == 0:
                    _check_kind(chunk)
                size += len(chunk)
                if size > limit_mb << 20:
                    raise TooLarge(
                        "archive_too_large", f"The archive is larger than {limit_mb} MiB.", hint="Leave files out with .canonryignore."
                    )
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if size == 0:
            _check_kind(b"")
        check(temporary, limit_bytes=(limit_mb << 20) * _UNPACKED_FACTOR, limit_files=_UNPACKED_FILES)
        yield Upload(digest.hexdigest(), temporary, home.uploads / digest.hexdigest())
    finally:
        temporary.unlink(missing_ok=True)


def drop(transactions: Transactions, home: Home, archive: str, still: Callable[[Tx], bool]) -> None:
    """Remove a stored archive (its SHA-256), if `still` says, while nobody can ask for a deployment of it, that nothing needs it."""
    with transactions.begin() as tx:
        store.hold_archive(tx, archive)
        if still(tx):
            (home.uploads / archive).unlink(missing_ok=True)


def open_archive(home: Home, archive: str, target: Path, *, limit_mb: int) -> None:
    """Unpack a stored archive (its SHA-256) into `target`. Raises: StepFailed `upload_missing`; Invalid, TooLarge as `keep`."""
    path = home.uploads / archive
    if not path.is_file():
        raise StepFailed("upload_missing", "The uploaded archive is no longer kept.", hint="Upload it again.")
    unpack(path, target, limit_bytes=(limit_mb << 20) * _UNPACKED_FACTOR, limit_files=_UNPACKED_FILES)


def _check_kind(head: bytes) -> None:
    if not head.startswith((_ZIP, _GZIP)):
        message = "The file is neither a .zip nor a .tar.gz."
        raise Invalid("unsupported_archive", message, hint="Pack the folder with `canonry deploy`, zip or tar -czf.",
                      issues=[Issue("body.file", "not a .zip or .tar.gz", "archive")])  # fmt: skip
