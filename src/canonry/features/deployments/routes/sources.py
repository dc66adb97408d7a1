"""HTTP for the doors a source comes in by: upload, and deploy of what is connected."""

from typing import Annotated

from fastapi import Body, File, UploadFile

from canonry.core.access import Actor, Permission
from canonry.core.refs import parse_ref
from canonry.features import projects
from canonry.features.deployments import service, uploads
from canonry.features.deployments.models import Deployment
from canonry.features.deployments.schemas import DeploymentAnswer, DeployRequest, QueuedAnswer, body_of, queued_of
from canonry.features.projects import Project
from canonry.http.bodies import Bodies
from canonry.http.conduct import settle
from canonry.http.deps import ActorDep, Services, ServicesDep, TxDep
from canonry.http.routing import Routes
from canonry.infra.tx import Tx

router = Routes(bodies=Bodies.ARCHIVE)

_ONE_FILE = {"max_files": 1, "max_fields": 10}  # of several, all but one would be left out in silence

DeployBody = Annotated[DeployRequest | None, Body()]


@router.operation(
    "POST", "/projects/{project}/upload", Permission.PROJECTS_DEPLOY, status_code=202, form_limits=_ONE_FILE, tags=["Uploads"]
)
def upload_archive(project: str, file: Annotated[UploadFile, File()], actor: ActorDep, services: ServicesDep) -> DeploymentAnswer:
    """Upload a .zip or .tar.gz of a source and deploy it."""
    with services.transactions.begin() as tx:
        found = projects.find(tx, actor, project)
    with (
        uploads.received(services.home, file.file, limit_mb=services.settings.upload_limit) as upload,
        services.transactions.begin() as tx,
    ):
        answer = DeploymentAnswer(deployment=body_of(service.request_upload(tx, actor, found, upload), found))
        settle(tx, services, answer, 202)
    return answer


@router.operation("POST", "/projects/{project}/deploy", Permission.PROJECTS_DEPLOY, status_code=202, tags=["Deployments"])
def deploy_project(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, body: DeployBody = None) -> QueuedAnswer:
    """Deploy the project's current source: its repository, else what was pushed, else the last upload."""
    found, deployment = ask(tx, actor, services, project, body or DeployRequest())
    return queued_of(deployment, found)


def ask(tx: Tx, actor: Actor, services: Services, project: str, body: DeployRequest) -> tuple[Project, Deployment]:
    """Ask for a deployment of what is connected; a repository in the body is connected first."""
    found = projects.find(tx, actor, project)
    ref = None if body.ref is None else parse_ref(body.ref).name
    if body.repo_url is not None:
        url = projects.checked_repository(body.repo_url, services.settings)
        found = projects.change(tx, actor, found.id, {"repo_url": url})
    return found, service.request(tx, actor, services.home, found, ref=ref)
