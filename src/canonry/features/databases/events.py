"""Facts about databases."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DatabaseCreated(Event):
    """A project has a database."""

    name: ClassVar[str] = "database.created"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseChanged(Event):
    """The size or another property of a database was changed."""

    name: ClassVar[str] = "database.changed"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseRotated(Event):
    """The password of a database was replaced."""

    name: ClassVar[str] = "database.rotated"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseOpened(Event):
    """Somebody was given a login of their own for a while."""

    name: ClassVar[str] = "database.opened"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseMoved(Event):
    """The database of a project has another address: one took its place on a server outside, or somebody else has its port."""

    name: ClassVar[str] = "database.moved"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseUpgraded(Event):
    """A database moved to a newer PostgreSQL."""

    name: ClassVar[str] = "database.upgraded"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseDeleted(Event):
    """A database was deleted with everything in it."""

    name: ClassVar[str] = "database.deleted"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseFull(Event):
    """A database is larger than it may be, and its writes are refused."""

    name: ClassVar[str] = "database.full"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseNearlyFull(Event):
    """A database takes nine tenths of what it may."""

    name: ClassVar[str] = "database.nearly_full"
    project_id: str
    environment: str
    database_id: str


@dataclass(frozen=True)
class DatabaseHasRoom(Event):
    """A database that was too large takes writes again."""

    name: ClassVar[str] = "database.has_room"
    project_id: str
    environment: str
    database_id: str
