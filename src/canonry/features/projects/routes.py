"""HTTP for projects: create, list, find, configure."""

from fastapi import Response

from canonry.core.access import Permission
from canonry.features.projects import service
from canonry.features.projects.schemas import ChangeProject, CreateProject, ProjectAnswer, ProjectsAnswer, answer_of, page_of
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import Routes

router = Routes(tags=["Projects"])


@router.operation("POST", "/projects", Permission.PROJECTS_DEPLOY, status_code=201)
def create_project(body: CreateProject, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProjectAnswer:
    """Create a project."""
    repo_url = None if body.repo_url is None else service.checked_repository(body.repo_url, services.settings)
    service.check_settings(services.ports.builder, {"runtime": body.runtime})
    project = service.create(
        tx, actor, services.ports.limits, name=body.name, slug=body.slug, repo_url=repo_url, repo_branch=body.repo_branch,
        runtime=body.runtime,
    )  # fmt: skip
    return answer_of(project, services.settings)


@router.operation("GET", "/projects", Permission.PROJECTS_READ, response_model=ProjectsAnswer)
def list_projects(page: PageDep, actor: ActorDep, tx: TxDep, services: ServicesDep) -> Response:
    """List your projects, newest first."""
    rows, cursor = service.page(tx, actor, page)
    return Response(page_of(rows, cursor, services.settings), media_type="application/json")


@router.operation("GET", "/projects/{project}", Permission.PROJECTS_READ)
def get_project(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProjectAnswer:
    """Show one project, by slug or id."""
    return answer_of(service.find(tx, actor, project), services.settings)


@router.operation("GET", "/projects/by-handle/{handle}/{name:path}", Permission.PROJECTS_READ)
def get_project_by_name(handle: str, name: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProjectAnswer:
    """Show one project, by the handle of its organization and its name; letter case does not matter."""
    return answer_of(service.find_by_name(tx, actor, handle, name), services.settings)


@router.operation("PATCH", "/projects/{project}", Permission.PROJECTS_DEPLOY)
def change_project(project: str, body: ChangeProject, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ProjectAnswer:
    """Change settings; they are in force at the next deployment."""
    changes = body.model_dump(exclude_unset=True)
    service.check_settings(services.ports.builder, changes)
    if body.repo_url is not None:
        changes["repo_url"] = service.checked_repository(body.repo_url, services.settings)
    kept = {name: value for name, value in changes.items() if value is not None or name not in {"name", "repo_branch"}}
    return answer_of(service.change(tx, actor, project, kept), services.settings)
