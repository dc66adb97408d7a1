"""The archive of one cluster: where its backups lie, what they are sealed with, what it is called there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from canonry.infra.backup.key import BackupKey
from canonry.infra.backup.seal import seal, unseal
from canonry.ports.objects import Objects


@dataclass(frozen=True)
class Archive:
    """cluster: the name in the archive; with it and the key everything is found again, without any table of ours."""

    objects: Objects
    key: BackupKey
    cluster: str

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """Seal and keep what `chunks` hold; return the size in the archive. Raises: as `Objects.put`."""
        return self.objects.put(name, seal(chunks, self.key, name))

    def get(self, name: str) -> Iterator[bytes]:
        """Yield what was kept. Raises: NotFound `object_missing`; Conflict `backup_…` (seal.py)."""
        return unseal(self.objects.get(name), self.key, name)
