"""Facts about volumes."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class VolumeCreated(Event):
    """A release was the first to need a volume."""

    name: ClassVar[str] = "volume.created"
    project_id: str
    volume_id: str


@dataclass(frozen=True)
class VolumeChanged(Event):
    """A volume got another path or size, was detached, or attached again."""

    name: ClassVar[str] = "volume.changed"
    project_id: str
    volume_id: str


@dataclass(frozen=True)
class VolumeFull(Event):
    """A volume holds more than it may."""

    name: ClassVar[str] = "volume.full"
    project_id: str
    volume_id: str


@dataclass(frozen=True)
class VolumeNoLongerFull(Event):
    """A volume that held too much holds less again."""

    name: ClassVar[str] = "volume.no_longer_full"
    project_id: str
    volume_id: str


@dataclass(frozen=True)
class VolumeRemoved(Event):
    """A volume and everything in it was removed."""

    name: ClassVar[str] = "volume.removed"
    project_id: str
    volume_id: str
