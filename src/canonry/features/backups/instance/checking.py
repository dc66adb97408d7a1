"""Whether a snapshot can be read, wholly: every part is opened to its last byte."""

from dataclasses import dataclass

from canonry.core.errors import CanonryError
from canonry.features.backups.instance.models import Snapshot
from canonry.features.backups.instance.place import Place
from canonry.infra.backup import base, wal


@dataclass(frozen=True)
class Checked:
    """What a check found. objects, bytes: that were read. faults: what could not be, by name."""

    objects: int
    bytes: int
    faults: tuple[str, ...]


def check(place: Place, snapshot: Snapshot) -> Checked:
    """Read everything that a restore of this snapshot would need. Raises only when the storage itself fails."""
    names = sorted(snapshot.keys)
    for archive in [place.archive, *(place.of_cluster(cluster) for cluster in snapshot.clusters)]:
        backups = base.find_all(archive)
        newest = base.chain(archive, backups[-1]) if backups else []
        names += [f"{backup.folder}/{name}" for backup in newest for name in ("data", "wal", "manifest")]
        first = newest[0].first_segment if newest else 0
        names += [segment.key for segment in wal.segments(archive) if newest and segment.number(newest[0].segment_bytes) >= first]
        if not newest and (archive.cluster in snapshot.clusters or snapshot.base):
            names.append(f"base/{archive.cluster}/info")
    size, faults = 0, []
    for name in names:
        try:
            size += sum(len(piece) for piece in place.archive.get(name))
        except CanonryError as error:
            if error.code.startswith("archive_"):
                raise
            faults.append(f"{name}: {error.message}")
    return Checked(len(names), size, tuple(faults))
