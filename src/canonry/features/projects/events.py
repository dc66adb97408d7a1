"""Facts about projects."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class ProjectCreated(Event):
    """A project was created."""

    name: ClassVar[str] = "project.created"
    project_id: str


@dataclass(frozen=True)
class ProjectChanged(Event):
    """Settings of a project were changed."""

    name: ClassVar[str] = "project.changed"
    project_id: str


@dataclass(frozen=True)
class ProjectDeleted(Event):
    """A project was deleted."""

    name: ClassVar[str] = "project.deleted"
    project_id: str


@dataclass(frozen=True)
class ProjectStopped(Event):
    """Somebody stopped a project."""

    name: ClassVar[str] = "project.stopped"
    project_id: str


@dataclass(frozen=True)
class ProjectStarted(Event):
    """Somebody started a project that was stopped."""

    name: ClassVar[str] = "project.started"
    project_id: str


@dataclass(frozen=True)
class ProjectScaled(Event):
    """Somebody set how many instances of a process run, or how big they are."""

    name: ClassVar[str] = "project.scaled"
    project_id: str
