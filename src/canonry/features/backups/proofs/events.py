"""Facts about proofs."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DrillRequested(Event):
    """Somebody asked for the newest backup of a database to be proven."""

    name: ClassVar[str] = "backup.drill_requested"
    project_id: str
    database_id: str
    proof_id: str


@dataclass(frozen=True)
class BackupProven(Event):
    """A backup was restored and is what it should be."""

    name: ClassVar[str] = "backup.proven"
    project_id: str
    database_id: str
    proof_id: str


@dataclass(frozen=True)
class BackupDisproved(Event):
    """A backup could not be restored, or is not what it should be. why: the check that failed, in words."""

    name: ClassVar[str] = "backup.disproved"
    project_id: str
    database_id: str
    proof_id: str
    why: str


@dataclass(frozen=True)
class ProofOverdue(Event):
    """No backup of a database was proven for too long. why: since when, in words."""

    name: ClassVar[str] = "backup.proof_overdue"
    project_id: str
    database_id: str
    why: str
