"""HTTP for single deployments: read, cancel, retry, roll back, build log."""

from typing import Annotated

from fastapi import Query

from canonry.core.access import Permission
from canonry.core.environments import PRODUCTION
from canonry.features import projects
from canonry.features.deployments import build_log, service
from canonry.features.deployments.models import UNFINISHED, Deployment
from canonry.features.deployments.routes.parameters import Environment
from canonry.features.deployments.schemas import BuildLogAnswer, DeploymentAnswer, DeploymentsAnswer, LogLine, body_of
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes
from canonry.infra.tx import Tx

router = Routes(tags=["Deployments"])


@router.operation("GET", "/projects/{project}/deployments", Permission.PROJECTS_READ)
def list_deployments(project: str, page: PageDep, actor: ActorDep, tx: TxDep, environment: Environment = PRODUCTION) -> DeploymentsAnswer:
    """List the deployments of a project, newest first: to production, to the named environment, or (`all`) to every one."""
    found = projects.find(tx, actor, project)
    rows, cursor = service.page(tx, found, None if environment == "all" else environment, page)
    return DeploymentsAnswer(deployments=[body_of(row, found) for row in rows], next_cursor=cursor)


@router.operation("GET", "/deployments/{deployment}", Permission.PROJECTS_READ)
def get_deployment(deployment: str, actor: ActorDep, tx: TxDep) -> DeploymentAnswer:
    """Show one deployment."""
    return _answer(tx, service.find(tx, actor, deployment))


@router.operation("POST", "/deployments/{deployment}/retry", Permission.PROJECTS_DEPLOY, status_code=201)
def retry_deployment(deployment: str, actor: ActorDep, tx: TxDep) -> DeploymentAnswer:
    """Deploy the same source again."""
    return _answer(tx, service.retry(tx, actor, deployment))


@router.operation("POST", "/deployments/{deployment}/cancel", Permission.PROJECTS_DEPLOY)
def cancel_deployment(deployment: str, actor: ActorDep, tx: TxDep) -> DeploymentAnswer:
    """Cancel a deployment that waits or runs; the live site is untouched."""
    return _answer(tx, service.cancel(tx, actor, deployment))


@router.operation("POST", "/deployments/{deployment}/rollback", Permission.PROJECTS_DEPLOY, status_code=201)
def roll_back_deployment(deployment: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DeploymentAnswer:
    """Let the release of that deployment serve again, without a build."""
    return _answer(tx, service.roll_back(tx, actor, services.ports.builder, deployment))


@router.operation("POST", "/projects/{project}/rollback", Permission.PROJECTS_DEPLOY, status_code=201)
def roll_back_project(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> DeploymentAnswer:
    """Let the release serve again that was live before the present one."""
    return _answer(tx, service.roll_back_to_previous(tx, actor, services.ports.builder, projects.find(tx, actor, project)))


@router.operation("GET", "/deployments/{deployment}/logs", Permission.PROJECTS_READ)
def read_build_log(
    deployment: str, actor: ActorDep, tx: TxDep, services: ServicesDep,
    after: Annotated[int, Query(ge=0, lt=1 << 62)] = 0, limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> BuildLogAnswer:  # fmt: skip
    """Read the build log; pass `next_seq` back as `after` to go on."""
    found = service.find(tx, actor, deployment)
    page = build_log.read(services.home, found.id, after=after, limit=limit)
    done = page.closed or (found.status not in UNFINISHED and not page.lines)
    return BuildLogAnswer(lines=[LogLine.model_validate(line) for line in page.lines], next_seq=page.next_seq, done=done)


def _answer(tx: Tx, deployment: Deployment) -> DeploymentAnswer:
    return DeploymentAnswer(deployment=body_of(deployment, projects.get_any(tx, deployment.project_id)))
