"""Shapes of requests and answers about restored databases."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from canonry.features.backups.restores.models import Restore
from canonry.features.backups.restores.rules import Span

Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class CreateRestore(BaseModel):
    """Body of POST …/database/restores: a moment with its time zone, or the id of a backup, or that of a dump.

    backup: the database as of the moment of that backup. dump: what that dump holds, loaded into an empty database.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"at": "2026-11-22T10:31:07Z"}]})
    at: Text | None = Field(None, description="the moment, with its time zone", examples=["2026-11-22T10:31:07Z"])
    backup: Text | None = Field(None, description="the id of a backup", examples=["bak_19ab34cd56ef7081"])

    dump: Text | None = Field(None, description="the id of a dump", examples=["dbk_19ab34cd56ef7081"])

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if [self.at, self.backup, self.dump].count(None) != 2:
            raise ValueError("send one of `at`, `backup` and `dump`")
        return self


class TableDifference(BaseModel):
    """A table that is not the same in both. change: rows, only_live or only_restored; exact: the rows were counted, not estimated.

    column: what tells new rows from old ones, and its greatest value in each.
    """

    table: str
    change: str
    live: int | None
    restored: int | None
    exact: bool
    column: str | None
    newest_live: str | None
    newest_restored: str | None


class RestoreDifference(BaseModel):
    """What differs from the live database as it was when both were compared. same: tables that do not differ.

    complete: every row was counted. why: why there is nothing to compare with.
    """

    tables: list[TableDifference]
    same: int
    complete: bool
    why: str | None = None


class RestoreError(BaseModel):
    """Why something did not succeed."""

    code: str
    message: str
    hint: str = ""


class RestoreBody(BaseModel):
    """A database as it was at a moment, beside the live one."""

    id: str
    project_id: str
    environment: str
    state: str = Field(description="preparing, ready, promoting, promoted, undoing, discarded or failed")
    step: str = Field(description="what is being done now: waiting, fetching, recovering, loading, comparing, exchanging, switching")
    at: str
    backup_id: str | None
    dump_id: str | None
    live_database_id: str = Field(description="what was live when it was asked for")
    database_id: str | None = Field(description="the restored database; null until it is begun")
    difference: RestoreDifference | None
    error: RestoreError | None
    pause_ms: int | None = Field(description="how long clients waited at the last exchange")
    undo_until: str | None = Field(description="until then a promote can be undone")
    created_at: str
    ended_at: str | None


class RestoreAnswer(BaseModel):
    """One restore."""

    restore: RestoreBody


class RestoresAnswer(BaseModel):
    """One page of the restores of a project, newest first."""

    restores: list[RestoreBody]
    next_cursor: str | None = None


class SpanBody(BaseModel):
    """The database can be restored to every moment between these two."""

    start: str
    end: str


class ReachAnswer(BaseModel):
    """To which moments the database of a project can be restored, oldest first. Between two spans there is a gap in the archive."""

    spans: list[SpanBody]


def restore_body(row: Restore) -> RestoreBody:
    """Return a restore as the API shows it."""
    return RestoreBody(
        id=row.id, project_id=row.project_id, environment=row.environment, state=str(row.state), step=row.step, at=row.at.isoformat(),
        backup_id=row.backup_id, dump_id=row.dump_id, live_database_id=row.database_id, database_id=row.target_id,
        difference=RestoreDifference.model_validate(row.difference) if row.difference is not None else None,
        error=RestoreError.model_validate(row.error) if row.error is not None else None, pause_ms=row.pause_ms,
        undo_until=row.undo_until.isoformat() if row.undo_until is not None else None, created_at=row.created_at.isoformat(),
        ended_at=row.ended_at.isoformat() if row.ended_at is not None else None,
    )  # fmt: skip


def reach_answer(spans: "list[Span]") -> ReachAnswer:
    """Return spans as the API shows them."""
    return ReachAnswer(spans=[SpanBody(start=span.start.isoformat(), end=span.end.isoformat()) for span in spans])
