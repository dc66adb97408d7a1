"""Facts about restores of databases."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class RestoreRequested(Event):
    """Somebody asked for a database as it was at a moment."""

    name: ClassVar[str] = "database.restore_requested"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class RestoreReady(Event):
    """A database was restored beside the live one."""

    name: ClassVar[str] = "database.restored"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class RestoreFailed(Event):
    """A database could not be restored. code: of the error."""

    name: ClassVar[str] = "database.restore_failed"
    project_id: str
    restore_id: str
    code: str


@dataclass(frozen=True)
class PromoteRequested(Event):
    """Somebody asked for a restored database to take the place of the live one."""

    name: ClassVar[str] = "database.promote_requested"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class DatabasePromoted(Event):
    """A restored database took the place of the live one."""

    name: ClassVar[str] = "database.promoted"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class UndoRequested(Event):
    """Somebody asked for the database of before a promote to be live again."""

    name: ClassVar[str] = "database.undo_requested"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class PromoteUndone(Event):
    """The database of before a promote is live again."""

    name: ClassVar[str] = "database.promote_undone"
    project_id: str
    restore_id: str


@dataclass(frozen=True)
class PromoteFailed(Event):
    """The exchange of two databases did not succeed; what was live stayed live. code: of the error."""

    name: ClassVar[str] = "database.promote_failed"
    project_id: str
    restore_id: str
    code: str


@dataclass(frozen=True)
class RestoreDiscarded(Event):
    """A restored database was given up."""

    name: ClassVar[str] = "database.restore_discarded"
    project_id: str
    restore_id: str
