"""Shapes of answers about dumps of databases."""

from pydantic import BaseModel, Field

from canonry.features.backups.archiving.models import DatabaseBackup, State


class DumpFault(BaseModel):
    """Why a dump failed, or cannot be read any more."""

    code: str
    message: str
    hint: str = ""


class DumpBody(BaseModel):
    """A dump of a database. at: the moment it holds. rows: table → rows, as they were counted in it (null: not counted)."""

    id: str
    project_id: str
    database_id: str
    trigger: str = Field(description="daily or manual")
    state: str = Field(description="running, done, failed, or unreadable: it is not in the archive as it was written")
    at: str | None
    size_bytes: int = Field(description="in the archive, compressed")
    data_bytes: int = Field(description="what the database took on its server; 0: not known")
    rows: dict[str, int | None]
    error: DumpFault | None
    started_at: str
    ended_at: str | None


class DumpAnswer(BaseModel):
    """One dump."""

    dump: DumpBody


class DumpsAnswer(BaseModel):
    """One page of the dumps of a project's databases, newest first."""

    dumps: list[DumpBody]
    next_cursor: str | None = None


def dump_body(row: DatabaseBackup) -> DumpBody:
    """Return a dump as the API shows it."""
    unreadable = row.state is State.DONE and row.error is not None
    return DumpBody(
        id=row.id, project_id=row.project_id, database_id=row.database_id, trigger=str(row.trigger),
        state="unreadable" if unreadable else str(row.state), at=row.point_at.isoformat() if row.point_at is not None else None,
        size_bytes=row.size_bytes, data_bytes=row.data_bytes,
        rows={table: rows for tables in (row.rows or {}).values() for table, rows in tables.items()},
        error=DumpFault.model_validate(row.error) if row.error is not None else None, started_at=row.started_at.isoformat(),
        ended_at=row.ended_at.isoformat() if row.ended_at is not None else None,
    )  # fmt: skip
