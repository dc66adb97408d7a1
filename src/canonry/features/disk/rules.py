"""Pure decisions: which mark the disk has passed, and what goes first."""

from collections import defaultdict
from collections.abc import Sequence

from canonry.core.errors import Unavailable
from canonry.core.settings import Settings
from canonry.features.disk.models import KeptArtifact, KeptFile, Mark
from canonry.ports.builder import Stored
from canonry.ports.disk import Space

KEPT = 5  # artifacts, and uploads, of an environment
_MEBI = 1 << 20


def mark_of(settings: Settings, space: Space) -> Mark:
    """Return which mark the disk has passed."""
    if space.free < settings.disk_reserve * _MEBI:
        return Mark.FULL
    return Mark.LOW if space.free < settings.disk_clean_below * _MEBI else Mark.FINE


def no_room(settings: Settings, space: Space) -> Unavailable:
    """Return the error for a build that has to wait until there is room."""
    return Unavailable(
        "disk_high_water",
        f"The disk of {settings.home_path} has {space.free // _MEBI} MiB left of {space.total // _MEBI}; builds stop below "
        f"{settings.disk_reserve} MiB, so that what runs can go on.",
        hint="Make room (`canonry disk` shows who uses what, `canonry disk prune` removes what can be made again), "
        "or lower CANONRY_DISK_RESERVE. Then deploy again.",
    )  # fmt: skip


def artifacts_to_drop(newest_first: Sequence[KeptArtifact], *, budget: int) -> list[str]:
    """Return which artifacts go: all behind the newest five, and more of the oldest while there are more than `budget` bytes.

    What is needed stays, and so does the newest of the others: it is what a rollback goes back to.
    """
    kept = [item for number, item in enumerate(newest_first) if number < KEPT or item.needed]
    dropped = [item for item in newest_first if item not in kept]
    spare = [item for item in kept if not item.needed]
    total = sum(item.bytes for item in kept)
    while total > budget and len(spare) > 1:
        oldest = spare.pop()
        dropped.append(oldest)
        total -= oldest.bytes
    return [item.id for item in dropped]


def files_to_drop(oldest_first: Sequence[KeptFile], *, total: int, budget: int) -> list[KeptFile]:
    """Return which of these files go so that `total` bytes become `budget` or fewer, as far as these files can help."""
    dropped = []
    for item in oldest_first:
        if total <= budget:
            break
        dropped.append(item)
        total -= item.bytes
    return dropped


def caches_over_budget(stored: Sequence[Stored], budget: int) -> list[Stored]:
    """Return the caches that go because their project has more than `budget` bytes of them; those not used for longest first."""
    by_project: defaultdict[str, list[Stored]] = defaultdict(list)
    for item in sorted(stored, key=lambda item: item.used_at):
        if item.kind == "cache":
            by_project[project_of_key(item.name)].append(item)
    found = []
    for items in by_project.values():
        total = sum(item.bytes for item in items)
        for item in items:
            if total <= budget:
                break
            found.append(item)
            total -= item.bytes
    return found


def first_to_go(stored: Sequence[Stored]) -> list[Stored]:
    """Return what goes when room is needed, in this order: caches, those not used for longest first, then toolchains nothing needs."""
    free = [item for item in stored if not item.in_use]
    return sorted(free, key=lambda item: (item.kind != "cache", item.used_at))


def project_of_key(key: str) -> str:
    """Return the project that a cache key, or the name of a private mirror, belongs to."""
    return key.partition("-")[0]
