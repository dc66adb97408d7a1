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
