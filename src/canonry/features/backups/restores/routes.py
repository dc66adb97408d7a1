"""HTTP for databases as they were at a moment."""

from canonry.core.access import Permission
from canonry.features.backups.restores import service
from canonry.features.backups.restores.rules import parse_moment
from canonry.features.backups.restores.schemas import (
    CreateRestore,
    ReachAnswer,
    RestoreAnswer,
    RestoresAnswer,
    reach_answer,
    restore_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Backups"])

_PATH = "/projects/{project}/database/restores"


@router.operation("GET", "/projects/{project}/database/reach", Permission.PROJECTS_READ, errors=(503,))
def show_reach(project: str, actor: ActorDep, services: ServicesDep) -> ReachAnswer:
    """Say to which moments the database of a project can be restored."""
    return reach_answer(list(service.spans(services, actor, project)))


@router.operation("POST", _PATH, Permission.PROJECTS_DEPLOY, status_code=202, errors=(409, 503))
def create_restore(project: str, body: CreateRestore, actor: ActorDep, services: ServicesDep) -> RestoreAnswer:
    """Restore the database as it was at a moment, or from a dump, beside the live one, which is not touched; then look at what differs."""
    if body.dump is not None:
        return RestoreAnswer(restore=restore_body(service.request_dump(services, actor, project, body.dump)))
    at = parse_moment(body.at) if body.at is not None else None
    return RestoreAnswer(restore=restore_body(service.request(services, actor, project, at=at, backup=body.backup)))


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_restores(project: str, page: PageDep, actor: ActorDep, tx: TxDep) -> RestoresAnswer:
    """List the restores of a project, newest first."""
    rows, cursor = service.page(tx, actor, project, page)
    return RestoresAnswer(restores=[restore_body(row) for row in rows], next_cursor=cursor)


@router.operation("GET", f"{_PATH}/{{restore}}", Permission.PROJECTS_READ)
def get_restore(project: str, restore: str, actor: ActorDep, tx: TxDep) -> RestoreAnswer:
    """Show a restore: how far it is, and what differs from the live database."""
    return RestoreAnswer(restore=restore_body(service.find(tx, actor, project, restore)))


@router.operation("POST", f"{_PATH}/{{restore}}/promote", Permission.PROJECTS_DEPLOY, status_code=202, errors=(409,))
def promote_restore(project: str, restore: str, actor: ActorDep, tx: TxDep) -> RestoreAnswer:
    """Let a restored database take the place of the live one. Clients wait a moment; the former one is kept, so this can be undone."""
    return RestoreAnswer(restore=restore_body(service.promote(tx, actor, project, restore)))


@router.operation("POST", f"{_PATH}/{{restore}}/undo", Permission.PROJECTS_DEPLOY, status_code=202, errors=(409,))
def undo_restore(project: str, restore: str, actor: ActorDep, tx: TxDep) -> RestoreAnswer:
    """Let the database of before a promote be live again. What was written since then stays in the restored one, beside it."""
    return RestoreAnswer(restore=restore_body(service.undo(tx, actor, project, restore)))


@router.operation("DELETE", f"{_PATH}/{{restore}}", Permission.PROJECTS_DEPLOY, errors=(409,))
def discard_restore(project: str, restore: str, actor: ActorDep, tx: TxDep) -> RestoreAnswer:
    """Give a restored database up and remove it. The live one is not touched."""
    return RestoreAnswer(restore=restore_body(service.discard(tx, actor, project, restore)))
