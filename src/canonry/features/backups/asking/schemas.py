"""Shapes of requests and answers about backups of databases."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from canonry.features.backups.archiving.models import DatabaseBackup


class CreateDatabaseBackup(BaseModel):
    """Body of POST …/database/backups. kind: a copy of everything (full), or a dump that other servers can read too."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["full", "dump"] = "full"


class BackupFault(BaseModel):
    """Why a backup failed."""

    code: str
    message: str
    hint: str = ""


class DatabaseBackupBody(BaseModel):
    """A backup of a database. point_at: the moment it holds. proof: passed, failed, or unproven while nobody has restored it."""

    id: str
    project_id: str
    database_id: str
    kind: str = Field(description="full, incremental or dump")
    trigger: str = Field(description="daily, gap or manual")
    parent_id: str | None
    state: str = Field(description="running, done or failed")
    proof: str
    started_at: str
    ended_at: str | None
    point_at: str | None
    size_bytes: int
    data_bytes: int
    error: BackupFault | None


class DatabaseBackupsAnswer(BaseModel):
    """The newest backups of a project's databases, newest first."""

    backups: list[DatabaseBackupBody]


class BackupAsked(BaseModel):
    """A backup was asked for; it is in the list under this id once it has begun."""

    id: str
    status: str = "queued"
    kind: str


def database_backup_body(row: DatabaseBackup, proofs: dict[str, str]) -> DatabaseBackupBody:
    """Return a backup as the API shows it. proofs: of backups that were tried, how that ended."""
    return DatabaseBackupBody(
        id=row.id, project_id=row.project_id, database_id=row.database_id, kind=row.kind, trigger=row.trigger, parent_id=row.parent_id,
        state=row.state, proof=proofs.get(row.id, "unproven"), started_at=row.started_at.isoformat(),
        ended_at=row.ended_at.isoformat() if row.ended_at is not None else None,
        point_at=row.point_at.isoformat() if row.point_at is not None else None, size_bytes=row.size_bytes, data_bytes=row.data_bytes,
        error=BackupFault.model_validate(row.error) if row.error is not None else None,
    )  # fmt: skip
