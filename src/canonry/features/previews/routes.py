"""HTTP for previews."""

from typing import Annotated

from fastapi import Body

from canonry.core.access import Permission
from canonry.features import projects
from canonry.features.previews import service
from canonry.features.previews.models import Change
from canonry.features.previews.rules import parse_lifetime
from canonry.features.previews.schemas import (
    ApprovePreview,
    CommitRequest,
    CreatePreview,
    PreviewAnswer,
    PreviewsAnswer,
    preview_answer,
    preview_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Previews"])

_PATH = "/projects/{project}/previews"


@router.operation("GET", _PATH, Permission.PROJECTS_READ)
def list_previews(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PreviewsAnswer:
    """List the previews of a project that are there now, newest first, each with its own URL."""
    found = projects.find(tx, actor, project)
    return PreviewsAnswer(previews=[preview_body(shown, services.settings) for shown in service.list_open(tx, found)])


@router.operation("POST", _PATH, Permission.PROJECTS_DEPLOY, status_code=201, errors=[409])
def create_preview(project: str, body: CreatePreview, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PreviewAnswer:
    """Deploy a branch to a preview on a URL of its own; the preview of a branch that has one already is brought up to date."""
    lifetime = parse_lifetime(body.expires) if body.expires is not None else None
    commit = body.commit if isinstance(body.commit, CommitRequest) else CommitRequest(hash=body.commit)
    found = projects.find(tx, actor, project)
    shown = service.bring(tx, actor, services, found, Change(body.branch, commit.hash, commit.message, lifetime=lifetime))
    return preview_answer(shown, found, services.settings)


@router.operation("GET", f"{_PATH}/{{preview}}", Permission.PROJECTS_READ)
def get_preview(project: str, preview: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PreviewAnswer:
    """Show one preview, by its id or by the first part of its host."""
    found = projects.find(tx, actor, project)
    return preview_answer(service.show(tx, service.find(tx, actor, found, preview)), found, services.settings)


@router.operation("DELETE", f"{_PATH}/{{preview}}", Permission.PROJECTS_DEPLOY, status_code=204)
def remove_preview(project: str, preview: str, actor: ActorDep, services: ServicesDep) -> None:
    """Remove a preview: its host, processes and files go; production notices nothing."""
    with services.transactions.begin() as tx:
        found = service.find(tx, actor, projects.find(tx, actor, project), preview)
    service.close(services, found.id, "removed by hand")


@router.operation("POST", f"{_PATH}/{{preview}}/approve", Permission.PROJECTS_DEPLOY, status_code=201, errors=[409])
def approve_preview(
    project: str, preview: str, actor: ActorDep, tx: TxDep, services: ServicesDep, body: Annotated[ApprovePreview | None, Body()] = None
) -> PreviewAnswer:
    """Let the newest commit of a fork's pull request in, and deploy it. The next commit waits again."""
    found = projects.find(tx, actor, project)
    shown = service.approve(tx, actor, services, found, preview, body.commit if body else None)
    return preview_answer(shown, found, services.settings)
