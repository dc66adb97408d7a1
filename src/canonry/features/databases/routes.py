"""HTTP for databases. A password is shown when it is made, and then never again."""

from typing import Annotated

from fastapi import Body, Query

from canonry.core.access import Permission
from canonry.core.environments import PRODUCTION
from canonry.features.databases import service, upgrading
from canonry.features.databases.schemas import (
    ChangeDatabase,
    CreateDatabase,
    DatabaseAnswer,
    DatabaseMadeAnswer,
    DatabaseOpenedAnswer,
    DatabasesAnswer,
    OpenDatabase,
    RotateDatabase,
    answer_of,
    body_of,
    made_answer,
    opened_answer,
)
from canonry.features.databases.service import Opened, Settled
from canonry.http.conduct import settle
from canonry.http.deps import ActorDep, Services, ServicesDep, TxDep
from canonry.http.routing import Routes
from canonry.infra.tx import Tx

router = Routes(tags=["Databases"])

InEnvironment = Annotated[str, Query(max_length=250, description="production, or preview/<branch>")]


@router.operation("POST", "/projects/{project}/database", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409, 503))
def create_database(
    project: str, actor: ActorDep, services: ServicesDep, body: Annotated[CreateDatabase | None, Body()] = None
) -> DatabaseMadeAnswer:
    """Make the database of a project. The app is given DATABASE_URL from now on; the connection string is shown this once."""

    def settled(tx: Tx, made: Opened) -> None:
        settle(tx, services, made_answer(made.shown, made.access), 201)

    made = service.create(services, actor, project, (body or CreateDatabase()).wish, settled)
    return made_answer(made.shown, made.access)


@router.operation("GET", "/projects/{project}/database", Permission.PROJECTS_READ, errors=(503,))
def get_database(
    project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, environment: InEnvironment = PRODUCTION
) -> DatabaseAnswer:
    """Show the database of a project, or of one of its previews: size, state and where it is, never the password."""
    database = service.find(tx, actor, project, environment)
    return answer_of(service.show(services, database, own=service.is_overridden(tx, database)))


@router.operation("GET", "/projects/{project}/databases", Permission.PROJECTS_READ)
def list_databases(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DatabasesAnswer:
    """List every database of a project: production's, those of previews, restored ones."""
    return DatabasesAnswer(databases=[body_of(service.show(services, row)) for row in service.listed(tx, actor, project)])


@router.operation("PATCH", "/projects/{project}/database", Permission.PROJECTS_DEPLOY, errors=(409, 503))
def change_database(project: str, body: ChangeDatabase, actor: ActorDep, services: ServicesDep) -> DatabaseAnswer:
    """Change size, sleep or reach. Another tier or reach restarts its server: clients wait a moment, open transactions end."""
    return answer_of(service.change(services, actor, project, body.wish))


@router.operation("DELETE", "/projects/{project}/database", Permission.PROJECTS_DEPLOY, status_code=204, errors=(409, 503))
def delete_database(project: str, actor: ActorDep, services: ServicesDep) -> None:
    """Delete the database of a project with everything in it. Nobody can connect from now on, and DATABASE_URL is gone."""
    service.delete(services, actor, project)


@router.operation("DELETE", "/projects/{project}/databases/{database}", Permission.PROJECTS_DEPLOY, status_code=204, errors=(409, 503))
def delete_retired_database(project: str, database: str, actor: ActorDep, services: ServicesDep) -> None:
    """Delete a retired database, which another took the place of or an upgrade kept, with everything in it."""
    service.delete_other(services, actor, project, database)


@router.operation("POST", "/projects/{project}/database/rotate", Permission.PROJECTS_DEPLOY, errors=(409, 503))
def rotate_database(
    project: str, actor: ActorDep, services: ServicesDep, environment: InEnvironment = PRODUCTION,
    body: Annotated[RotateDatabase | None, Body()] = None,
) -> DatabaseMadeAnswer:  # fmt: skip
    """Replace the password. What runs is started anew with it; the former one works until that is done, and not a moment longer."""
    made = service.rotate(services, actor, project, environment, at_once=(body or RotateDatabase()).now)
    return made_answer(made.shown, made.access)


@router.operation("POST", "/projects/{project}/database/access", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409, 503))
def open_database(
    project: str, actor: ActorDep, services: ServicesDep, environment: InEnvironment = PRODUCTION,
    body: Annotated[OpenDatabase | None, Body()] = None,
) -> DatabaseOpenedAnswer:  # fmt: skip
    """Make a login of your own for some hours, which may do what the app may. The app's own password stays what it is."""
    opened = service.admit(services, actor, project, environment, (body or OpenDatabase()).hours, _settled(services))
    return opened_answer(opened.shown, opened.access)


@router.operation("POST", "/projects/{project}/databases/{database}/access", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409, 503))
def open_restored_database(
    project: str, database: str, actor: ActorDep, services: ServicesDep, body: Annotated[OpenDatabase | None, Body()] = None
) -> DatabaseOpenedAnswer:
    """Make a login of your own for any database of a project, like a restored one."""
    opened = service.admit_to(services, actor, project, database, (body or OpenDatabase()).hours, _settled(services))
    return opened_answer(opened.shown, opened.access)


@router.operation("POST", "/projects/{project}/database/upgrade", Permission.PROJECTS_DEPLOY, errors=(409, 503))
def upgrade_database(project: str, actor: ActorDep, services: ServicesDep) -> DatabaseAnswer:
    """Move the database to the PostgreSQL that this Canonry brings. Clients wait meanwhile; a failure leaves it as it was."""
    return answer_of(upgrading.upgrade(services, actor, project))


def _settled(services: Services) -> Settled:
    def settled(tx: Tx, opened: Opened) -> None:
        settle(tx, services, opened_answer(opened.shown, opened.access), 201)

    return settled
