"""The disk under Canonry's home: how much of it is left, and whether a build may use some of that."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Space:
    """The file system of the home, in bytes. free: what this user may still write."""

    total: int
    free: int


class Disk(Protocol):
    """The file system that Canonry's home lies on."""

    def space(self) -> Space:
        """Return how large it is and how much is free, as of now. Cheap enough to be asked many times a second."""
        ...


class BuildRoom(Protocol):
    """Whether there is room for builds. They stop long before the disk is full, so that what runs can go on writing."""

    def before(self) -> None:
        """Return when a build may begin; where there is too little room, what can be made again is removed first.

        Raises: Unavailable `disk_high_water`, naming the disk, the mark and the remedy.
        """
        ...

    def during(self) -> None:
        """Return when a running build may go on. Asked often, so it only looks. Raises: Unavailable `disk_high_water`."""
        ...
