"""A restore as it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """preparing → ready → promoting → promoted → undoing → ready; ready → discarded; preparing → failed.

    A promoted one whose time for undoing is over stays promoted, and its `undo_until` is past.
    """

    PREPARING = "preparing"
    READY = "ready"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    UNDOING = "undoing"
    DISCARDED = "discarded"
    FAILED = "failed"


UNDER_WAY = frozenset({Phase.PREPARING, Phase.PROMOTING, Phase.UNDOING})


@dataclass(frozen=True)
class Restore:
    """A database as it was `at` a moment, beside the live one.

    backup_id: what names that moment; dump_id: the dump it is filled from, else it is recovered from base backup and WAL.
    database_id: what was live when it was asked for; target_id: what is restored, None until that is begun. step: what is being done now.
    difference: what `comparison.py` found. pause_ms: how long clients waited when it was promoted or that was undone.
    undo_until: the database that a promote replaced is kept until then.
    """

    id: str
    organization_id: str
    project_id: str
    environment: str
    database_id: str
    target_id: str | None
    at: datetime
    backup_id: str | None
    dump_id: str | None
    state: Phase
    step: str
    difference: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    pause_ms: int | None
    created_by: str | None
    created_at: datetime
    ended_at: datetime | None
    undo_until: datetime | None

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumeration."""
        object.__setattr__(self, "state", Phase(self.state))
