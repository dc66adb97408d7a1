"""What is known of the disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Mark(StrEnum):
    """How full the disk is. low: what can be made again is removed. full: builds stop."""

    FINE = "fine"
    LOW = "low"
    FULL = "full"


KINDS = ("artifacts", "build_logs", "instance_logs", "caches", "repository", "mirrors", "database", "volumes")
"""What a project keeps on the disk."""


@dataclass(frozen=True)
class Owners:
    """Whose what is: the id of an artifact, deployment, instance, repository or database → the project."""

    projects: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Usage:
    """Bytes by project and kind, and those that belong to Canonry as a whole, by what they are."""

    projects: Mapping[str, Mapping[str, int]]
    platform: Mapping[str, int]


@dataclass(frozen=True)
class KeptArtifact:
    """An artifact of an environment. needed: live, pinned, about to be, or an instance runs from it."""

    id: str
    needed: bool
    bytes: int = 0


@dataclass(frozen=True)
class KeptFile:
    """A log. bytes: on the disk."""

    id: str
    bytes: int


@dataclass(frozen=True)
class Removal:
    """Something that a prune removes, or would remove. what: artifact, upload, build log, instance log, cache, toolchain, mirror."""

    what: str
    name: str
    bytes: int
    project_id: str | None = None


@dataclass(frozen=True)
class Pruned:
    """What a prune did. waiting: environments whose artifacts a job looks through, because a deployment of theirs may run."""

    removed: Sequence[Removal]
    environments: int = 0

    @property
    def bytes(self) -> int:
        """How much that was."""
        return sum(item.bytes for item in self.removed)
