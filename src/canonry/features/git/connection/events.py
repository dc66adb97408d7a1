"""Facts about connections."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class RepositoryConnected(Event):
    """A project was connected to a repository."""

    name: ClassVar[str] = "git.connected"
    project_id: str


@dataclass(frozen=True)
class RepositoryDisconnected(Event):
    """A project was disconnected from its repository."""

    name: ClassVar[str] = "git.disconnected"
    project_id: str


@dataclass(frozen=True)
class WebhookSecretRotated(Event):
    """The webhook secret of a project was replaced."""

    name: ClassVar[str] = "git.secret_rotated"
    project_id: str
