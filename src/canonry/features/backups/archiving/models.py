"""Rows of backups of databases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A copy of the cluster, whole or what has changed since another; or a dump of its database."""

    FULL = "full"
    INCREMENTAL = "incremental"
    DUMP = "dump"


class Trigger(StrEnum):
    """Why it was made: it was time, a gap had to be closed, somebody asked."""

    DAILY = "daily"
    GAP = "gap"
    MANUAL = "manual"


class State(StrEnum):
    """running → done or failed. One that a crash left running is failed."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class DatabaseBackup:
    """A backup of a database. parent_id: what an incremental one builds on. point_at: when its rows were counted.

    rows: database → table → rows, exact or about right. error: code, message and hint of one that failed, or that could not be read since.
    """

    id: str
    organization_id: str
    project_id: str
    database_id: str
    cluster_id: str
    kind: Kind
    trigger: Trigger
    parent_id: str | None
    state: State
    started_at: datetime
    ended_at: datetime | None
    point_at: datetime | None
    size_bytes: int
    data_bytes: int
    rows: Mapping[str, Mapping[str, int | None]] | None
    exact: bool
    error: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumerations."""
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "trigger", Trigger(self.trigger))
        object.__setattr__(self, "state", State(self.state))

    @property
    def created_at(self) -> datetime:
        """When it was begun, as lists are ordered."""
        return self.started_at

    @property
    def is_base(self) -> bool:
        """Whether restores to a moment can begin with it."""
        return self.kind is not Kind.DUMP


@dataclass(frozen=True)
class KnownGap:
    """A segment that was let go: moments about then cannot be restored to. closed_at: when a later base backup was there."""

    cluster_id: str
    segment: str
    project_id: str
    database_id: str
    at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Due:
    """What is to be made now."""

    kind: Kind
    trigger: Trigger
    parent_id: str | None = None
