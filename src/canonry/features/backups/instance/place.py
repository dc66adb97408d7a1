"""Where a Canonry lies in the archive, and what can be found there."""

from dataclasses import dataclass

from canonry.core.errors import Conflict, NotFound
from canonry.features.backups.instance.models import Snapshot, from_bytes, to_bytes
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import BackupKey
from canonry.infra.crypto import Vault
from canonry.ports.objects import Objects

_ROOT = "platform"


@dataclass(frozen=True)
class Place:
    """One Canonry in an archive. platform: its name there, the same as long as its secret.key is."""

    objects: Objects
    key: BackupKey
    platform: str

    @property
    def archive(self) -> Archive:
        """Where its own rows lie."""
        return self.of_cluster(f"platform-{self.platform}")

    @property
    def prefix(self) -> str:
        """What the keys of its files begin with."""
        return f"{_ROOT}/{self.platform}"

    def of_cluster(self, cluster_id: str) -> Archive:
        """Return where the rows of a project's database lie."""
        return Archive(self.objects, self.key, cluster_id)

    def keep(self, snapshot: Snapshot) -> None:
        """Write a snapshot, whose parts are all there."""
        self.archive.put(f"{self.prefix}/snapshots/{snapshot.id}", [to_bytes(snapshot)])

    def ids(self) -> list[str]:
        """Return the ids of all snapshots, oldest first."""
        return [item.key.rsplit("/", 1)[1] for item in self.objects.list(f"{self.prefix}/snapshots")]

    def load(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot. Raises: NotFound `object_missing`; Conflict `backup_…`."""
        return from_bytes(b"".join(self.archive.get(f"{self.prefix}/snapshots/{snapshot_id}")))

    def newest(self) -> Snapshot | None:
        """Return the newest snapshot, None when there is none. Raises: Conflict `backup_…`."""
        ids = self.ids()
        return self.load(ids[-1]) if ids else None


def platform_of(vault: Vault) -> str:
    """Return the name of a Canonry in the archive, which tells nothing of its key."""
    return vault.key_for("name of the platform in the archive").hex()[:12]


def find_place(objects: Objects, key: BackupKey, platform: str | None) -> Place:
    """Return the one Canonry that an archive has a backup of, or the named one.

    Raises: NotFound `no_backup`; Conflict `several_platforms`, naming them.
    """
    found = sorted({item.key.split("/")[1] for item in objects.list(_ROOT) if "/snapshots/" in item.key})
    if platform is not None:
        found = [name for name in found if name == platform]
    if not found:
        raise NotFound("no_backup", f"There is no backup of a Canonry in {objects.place}.",
                       hint="Name the place that CANONRY_BACKUPS_URL named: it holds `platform`, `base` and `wal`.")  # fmt: skip
    if len(found) > 1:
        raise Conflict("several_platforms", f"There are backups of several Canonrys in {objects.place}: {', '.join(found)}.",
                       hint="Choose one with --platform.")  # fmt: skip
    return Place(objects, key, found[0])
