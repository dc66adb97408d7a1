"""Facts about the disk."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DiskMarkChanged(Event):
    """The disk of this Canonry passed a mark, in either direction. organization_id is empty: it concerns the platform."""

    name: ClassVar[str] = "disk.mark_changed"
    mark: str


@dataclass(frozen=True)
class DiskPruned(Event):
    """Somebody had the disk pruned."""

    name: ClassVar[str] = "disk.pruned"


@dataclass(frozen=True)
class DeploymentPinned(Event):
    """Somebody wants the artifact of a deployment kept for good."""

    name: ClassVar[str] = "deployment.pinned"
    project_id: str
    deployment_id: str


@dataclass(frozen=True)
class DeploymentUnpinned(Event):
    """Somebody no longer wants that."""

    name: ClassVar[str] = "deployment.unpinned"
    project_id: str
    deployment_id: str
