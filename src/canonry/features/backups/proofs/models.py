"""A proof as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Result(StrEnum):
    """waiting → running → passed or failed."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at in a restored backup."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Proof:
    """A backup that was restored for a trial.

    document: what that showed, exactly as it was signed (JSON). public_key: of the key that signed it. drill_id: the throwaway database,
    while it is there.
    """

    id: str
    organization_id: str
    project_id: str
    database_id: str
    backup_id: str | None
    result: Result
    drill_id: str | None
    document: str | None
    signature: str | None
    public_key: str | None
    created_at: datetime
    ended_at: datetime | None

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumeration."""
        object.__setattr__(self, "result", Result(self.result))


@dataclass(frozen=True)
class Standing:
    """How a database stands: when it was made, and when a backup of it was last proven; None: never. told_at: when that was told."""

    organization_id: str
    project_id: str
    database_id: str
    slug: str
    created_at: datetime
    proven_at: datetime | None
    tried_at: datetime | None
    told_at: datetime | None
