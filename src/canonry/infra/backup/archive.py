"""The archive of one cluster: where its backups lie, what they are sealed with, what it is called there."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from canonry.infra.backup.key import BackupKey
from canonry.infra.backup.seal import seal, unseal


class Found(Protocol):
    """An object of the archive, without its content."""

    @property
    def key(self) -> str: ...  # noqa: D102 -- named by its type
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def modified(self) -> datetime: ...  # noqa: D102


class Objects(Protocol):
    """The port `ports.objects.Objects`, as far as it is used here (ports and infra do not know each other)."""

    @property
    def place(self) -> str: ...  # noqa: D102 -- see the port
    def put(self, key: str, chunks: Iterable[bytes]) -> int: ...  # noqa: D102
    def get(self, key: str) -> Iterator[bytes]: ...  # noqa: D102
    def find(self, key: str) -> Found | None: ...  # noqa: D102
    def list(self, prefix: str) -> Sequence[Found]: ...  # noqa: D102
    def delete(self, key: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Archive:
    """cluster: the name in the archive; with it and the key everything is found again, without any table of ours."""

    objects: Objects
    key: BackupKey
    cluster: str

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """Seal and keep what `chunks` hold; return the size in the archive. Raises: as `Objects.put`."""
        return self.objects.put(name, seal(chunks, self.key, name))

    def get(self, name: str) -> Generator[bytes]:
        """Yield what was kept; whoever stops early closes it. Raises: NotFound `object_missing`; Conflict `backup_…` (seal.py)."""
        return unseal(self.objects.get(name), self.key, name)
