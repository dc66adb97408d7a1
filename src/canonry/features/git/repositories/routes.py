"""HTTP for repositories."""

from canonry.core.access import Permission
from canonry.features.git.repositories import service
from canonry.features.git.repositories.schemas import (
    CreateRepositoryRequest,
    RepositoriesAnswer,
    RepositoryAnswer,
    body_of,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Git"])


@router.operation("GET", "/repositories", Permission.SPECS_READ)
def list_repositories(actor: ActorDep, tx: TxDep, services: ServicesDep) -> RepositoriesAnswer:
    """List the repositories of the organization by name, those of projects included."""
    return RepositoriesAnswer(repositories=[body_of(found, services.settings) for found in service.page(tx, actor)])


@router.operation("POST", "/repositories", Permission.SPECS_WRITE, status_code=201, errors=[409])
def create_repository(body: CreateRepositoryRequest, actor: ActorDep, services: ServicesDep) -> RepositoryAnswer:
    """Make an empty repository that no project deploys, for specifications. Push to its `clone_url`, a token as the password."""
    made = service.create(
        services.transactions, actor, services.home, name=body.name, description=body.description, branch=body.default_branch
    )
    return RepositoryAnswer(repository=body_of(made, services.settings))


@router.operation("GET", "/repositories/{repository}", Permission.SPECS_READ)
def show_repository(repository: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> RepositoryAnswer:
    """Show one repository, by its name or id."""
    return RepositoryAnswer(repository=body_of(service.find(tx, actor, repository), services.settings))


@router.operation("DELETE", "/repositories/{repository}", Permission.ORG_MANAGE, status_code=204, errors=[409])
def delete_repository(repository: str, actor: ActorDep, services: ServicesDep) -> None:
    """Delete a repository that no project has, with all its history."""
    service.delete(services.transactions, actor, services.home, repository)
