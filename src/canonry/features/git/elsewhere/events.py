"""Facts about repositories that live at a host."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class RepositoryAdded(Event):
    """A repository that lives at a host was registered, again perhaps, or with another token."""

    name: ClassVar[str] = "repository.added"
    repository_id: str


@dataclass(frozen=True)
class RepositoryRemoved(Event):
    """The host gives a repository to us no longer."""

    name: ClassVar[str] = "repository.removed"
    repository_id: str


@dataclass(frozen=True)
class InstallationChanged(Event):
    """The app was installed for an account of a host, taken away there, suspended, or let in again."""

    name: ClassVar[str] = "installation.changed"
    host: str
    account: str
