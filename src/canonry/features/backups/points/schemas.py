"""Shapes of requests and answers about backups of projects. No answer has the value of a variable."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.features.backups.points.models import LONGEST_NOTE, ProjectBackup, Trigger
from canonry.features.backups.points.service import PutBack
from canonry.features.deployments import DeploymentBody, body_of
from canonry.features.projects import Project

_TRIGGERS = {Trigger.MANUAL: "manual", Trigger.PRE_DEPLOY: "auto-pre-deploy", Trigger.NIGHTLY: "auto-nightly"}


class CreateBackup(BaseModel):
    """Body of POST …/backups. note: what you want to remember of it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "before the big change"}]})
    note: Annotated[str, StringConstraints(max_length=LONGEST_NOTE, strip_whitespace=True, pattern=r"^[^\x00]*$")] | None = None


class VariableName(BaseModel):
    """A variable that a backup holds. Its value is sealed, and never shown."""

    key: str
    scope: str


class ProjectBackupBody(BaseModel):
    """A backup of a project: what was live, its variables by name, and the moment its database is restored to."""

    id: str
    projectId: str  # noqa: N815 -- the seed's own name
    accountId: str  # noqa: N815
    deploymentId: str  # noqa: N815
    releaseId: str  # noqa: N815
    envVars: list[VariableName]  # noqa: N815
    databaseSnapshotId: str | None = Field(description="the database whose moment `databaseAt` is part of it; null without one")  # noqa: N815
    databaseAt: str | None  # noqa: N815
    note: str | None
    trigger: str = Field(description="manual, auto-pre-deploy or auto-nightly")
    createdAt: str  # noqa: N815


class ProjectBackupAnswer(BaseModel):
    """One backup."""

    backup: ProjectBackupBody


class ProjectBackupsAnswer(BaseModel):
    """One page of the backups of a project, newest first."""

    backups: list[ProjectBackupBody]
    next_cursor: str | None = None


class PutBackAnswer(ProjectBackupAnswer):
    """A backup that is put back: the deployment that brings it live, and the variables that were changed for it (`environment/KEY`)."""

    deployment: DeploymentBody
    deployId: str  # noqa: N815 -- the seed's own name
    status: str
    variables: list[str]


def backup_body(row: ProjectBackup) -> ProjectBackupBody:
    """Return a backup as the API shows it."""
    names = [name.rpartition("/") for name in row.variable_names]
    return ProjectBackupBody(
        id=row.id, projectId=row.project_id, accountId=row.organization_id, deploymentId=row.deployment_id, releaseId=row.release_id,
        envVars=[VariableName(key=key, scope=scope) for scope, _, key in names], databaseSnapshotId=row.database_id,
        databaseAt=row.database_at.isoformat() if row.database_at is not None else None, note=row.note, trigger=_TRIGGERS[row.trigger],
        createdAt=row.created_at.isoformat(),
    )  # fmt: skip


def put_back_answer(done: PutBack, project: Project) -> PutBackAnswer:
    """Return what came of a restore."""
    return PutBackAnswer(
        backup=backup_body(done.backup), deployment=body_of(done.deployment, project), deployId=done.deployment.id,
        status=str(done.deployment.status), variables=list(done.variables),
    )  # fmt: skip
