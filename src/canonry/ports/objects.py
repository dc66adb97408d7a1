"""Where backups lie: named objects that are written once, whole, and read again; a folder, or a bucket of an S3-compatible storage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """One object. key: a path of names between slashes. size: bytes. modified: when the storage says it was written."""

    key: str
    size: int
    modified: datetime


class Objects(Protocol):
    """Keeps objects. Every method may be called from any thread and any process.

    Where the storage itself fails, every method raises Unavailable, with a remedy in its hint: `archive_unreachable` (no answer, or
    one of its faults), `archive_denied` (it refuses our credentials or what we want), `archive_no_bucket`, `disk_full`.
    """

    @property
    def place(self) -> str:
        """Return where the objects lie, in words for people; no credentials in it."""
        ...

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Write an object, replacing one of that key, and return its size.

        It is there whole or not at all, also when this process is killed or `chunks` raises (that error goes on); when this returns, it
        has reached the storage as it was sent.
        """
        ...

    def get(self, key: str) -> Iterator[bytes]:
        """Return what an object holds, in pieces of a few MiB at most. Raises: NotFound `object_missing` (before the first piece)."""
        ...

    def find(self, key: str) -> StoredObject | None:
        """Return an object without its content, None when there is none."""
        ...

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below a prefix (whole names: `a/b` is below `a`, `ab` is not), sorted by key; `""` for all."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object. Idempotent."""
        ...
