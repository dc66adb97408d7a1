"""Facts about repositories."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class RepositoryCreated(Event):
    """A repository was made."""

    name: ClassVar[str] = "repository.created"
    repository_id: str


@dataclass(frozen=True)
class RepositoryPushed(Event):
    """The default branch of a repository is somewhere else than it was when it was last looked at."""

    name: ClassVar[str] = "repository.pushed"
    repository_id: str


@dataclass(frozen=True)
class RepositoryDeleted(Event):
    """A repository without a project was deleted."""

    name: ClassVar[str] = "repository.deleted"
    repository_id: str
