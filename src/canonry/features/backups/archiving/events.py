"""Facts about backups of databases."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DatabaseBackupAsked(Event):
    """Somebody asked for a backup of a database."""

    name: ClassVar[str] = "database_backup.asked"
    project_id: str
    database_id: str


@dataclass(frozen=True)
class DatabaseBackedUp(Event):
    """A backup of a database is in the archive."""

    name: ClassVar[str] = "database_backup.made"
    project_id: str
    backup_id: str


@dataclass(frozen=True)
class DatabaseBackupFailed(Event):
    """A backup of a database could not be made."""

    name: ClassVar[str] = "database_backup.failed"
    project_id: str
    backup_id: str


@dataclass(frozen=True)
class DatabaseBackupUnreadable(Event):
    """A backup of a database is not in the archive as it was written. code: of the error."""

    name: ClassVar[str] = "database_backup.unreadable"
    project_id: str
    backup_id: str
    code: str


@dataclass(frozen=True)
class DatabaseBackupRemoved(Event):
    """A backup of a database has had its time."""

    name: ClassVar[str] = "database_backup.removed"
    project_id: str
    backup_id: str


@dataclass(frozen=True)
class ArchiveGapFound(Event):
    """A database let segments go, because the archive was away for too long."""

    name: ClassVar[str] = "database_archive.gap"
    project_id: str
    database_id: str
