"""Shapes of requests and answers about repositories."""

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.core.settings import Settings
from canonry.features.git.repositories.models import Repository


class CreateRepositoryRequest(BaseModel):
    """Body of POST /v1/repositories."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "handbook"}]})
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    description: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")] = ""
    default_branch: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] = "main"


class RepositoryBody(BaseModel):
    """A repository that Canonry hosts, or one that lives at GitHub."""

    id: str
    host: Literal["canonry", "github"] = Field(description="where it lives")
    owner: str = Field(description="the handle of its organization, or the account that has it at GitHub")
    name: str
    full_name: str
    description: str
    default_branch: str
    project_id: str | None = Field(description="the project that a push deploys; null when it holds specifications only")
    head: str | None = Field(description="the commit of the default branch; null before the first push")
    clone_url: str
    problem: str | None = Field(description="what went wrong when its host was asked last; null when nothing did")
    created_at: str


class RepositoryAnswer(BaseModel):
    """One repository."""

    repository: RepositoryBody


class RepositoriesAnswer(BaseModel):
    """All repositories of an organization."""

    repositories: list[RepositoryBody]


def body_of(repository: Repository, settings: Settings) -> RepositoryBody:
    """Return a repository as the API shows it."""
    return RepositoryBody(
        id=repository.id, host=repository.host, owner=repository.owner, name=repository.name, full_name=repository.full_name,
        description=repository.description, default_branch=repository.default_branch, project_id=repository.project_id,
        head=repository.head, clone_url=_clone_url(repository, settings), problem=_problem(repository) or None,
        created_at=repository.created_at.isoformat(),
    )  # fmt: skip


def _clone_url(repository: Repository, settings: Settings) -> str:
    if repository.is_elsewhere:
        return f"{settings.github_url.rstrip('/')}/{repository.full_name}.git"
    return f"{settings.own_url}/git/{repository.full_name}"


def _problem(repository: Repository) -> str:
    return "The app is suspended at its host." if repository.is_suspended else repository.problem


def file_url(repository: Repository, settings: Settings, path: str) -> str | None:
    """Return where people look at a file of a repository that lives at GitHub, None for one that lies here."""
    if not repository.is_elsewhere:
        return None
    return f"{settings.github_url.rstrip('/')}/{repository.full_name}/blob/{quote(repository.default_branch)}/{quote(path)}"
