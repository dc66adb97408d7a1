"""HTTP for backups of projects."""

from typing import Annotated

from fastapi import Body

from canonry.core.access import Permission
from canonry.features import projects
from canonry.features.backups.points import service
from canonry.features.backups.points.schemas import (
    CreateBackup,
    ProjectBackupAnswer,
    ProjectBackupsAnswer,
    PutBackAnswer,
    backup_body,
    put_back_answer,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Backups"])

_PATH = "/projects/{project}/backups"


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_backups(project: str, page: PageDep, actor: ActorDep, tx: TxDep) -> ProjectBackupsAnswer:
    """List the backups of a project, newest first, without the value of any variable."""
    rows, cursor = service.page(tx, projects.find(tx, actor, project), page)
    return ProjectBackupsAnswer(backups=[backup_body(row) for row in rows], next_cursor=cursor)


@router.operation("POST", _PATH, Permission.PROJECTS_DEPLOY, status_code=201, errors=(503,))
def create_backup(
    project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, body: Annotated[CreateBackup | None, Body()] = None
) -> ProjectBackupAnswer:
    """Back a project up: what is live now, all its variables, and this moment of its database."""
    note = (body or CreateBackup()).note or None
    return ProjectBackupAnswer(backup=backup_body(service.create(tx, actor, services.vault, projects.find(tx, actor, project), note)))


@router.operation("POST", f"{_PATH}/{{backup}}/restore", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409, 413, 503))
def restore_backup(project: str, backup: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PutBackAnswer:
    """Bring the variables and the deployment of a backup back. Variables that were added since then stay; the database is not touched."""
    found = projects.find(tx, actor, project)
    return put_back_answer(service.restore(tx, actor, services, found, backup), found)


@router.operation("DELETE", f"{_PATH}/{{backup}}", Permission.PROJECTS_DEPLOY, status_code=204)
def remove_backup(project: str, backup: str, actor: ActorDep, tx: TxDep) -> None:
    """Delete a backup of a project. Nothing that runs is touched."""
    service.remove(tx, actor, projects.find(tx, actor, project), backup)
