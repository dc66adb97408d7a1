"""Facts about backups of projects."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class BackupMade(Event):
    """A backup of a project was made."""

    name: ClassVar[str] = "backup.made"
    project_id: str
    backup_id: str


@dataclass(frozen=True)
class BackupRestored(Event):
    """A backup of a project was put back: its variables, then a deployment of what was live."""

    name: ClassVar[str] = "backup.restored"
    project_id: str
    backup_id: str


@dataclass(frozen=True)
class BackupRemoved(Event):
    """A backup of a project was deleted."""

    name: ClassVar[str] = "backup.removed"
    project_id: str
    backup_id: str
