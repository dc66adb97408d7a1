"""HTTP for backups of databases."""

from typing import Annotated

from fastapi import Body, Query

from canonry.core.access import Permission
from canonry.features.backups.archiving.models import Kind
from canonry.features.backups.asking import service
from canonry.features.backups.asking.schemas import BackupAsked, CreateDatabaseBackup, DatabaseBackupsAnswer, database_backup_body
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Backups"])

_PATH = "/projects/{project}/database/backups"


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_database_backups(
    project: str, actor: ActorDep, tx: TxDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> DatabaseBackupsAnswer:
    """List the newest backups of a project's database, and which of them are proven."""
    rows, proofs = service.listed(tx, actor, project, limit)
    return DatabaseBackupsAnswer(backups=[database_backup_body(row, proofs) for row in rows])


@router.operation("POST", _PATH, Permission.PROJECTS_DEPLOY, status_code=202, errors=(503,))
def create_database_backup(
    project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, body: Annotated[CreateDatabaseBackup | None, Body()] = None
) -> BackupAsked:
    """Make a backup of the database now. It happens daily by itself, and what changes is in the archive within a minute."""
    kind = Kind((body or CreateDatabaseBackup()).kind)
    return BackupAsked(id=service.ask_for(tx, actor, services, project, kind), kind=str(kind))
