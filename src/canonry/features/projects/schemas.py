"""Shapes of requests and answers about projects."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import to_json

from canonry.core.settings import Settings
from canonry.features.projects.models import Project
from canonry.features.projects.rules import SLUG, SLUG_FORM


def _in_form(slug: str) -> str:
    if not SLUG.fullmatch(slug):
        raise ValueError(SLUG_FORM)
    return slug


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Slug = Annotated[str, AfterValidator(_in_form), Field(json_schema_extra={"pattern": f"^{SLUG.pattern}$"})]
Branch = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x20~^:?*\[\\-][^\x00-\x20~^:?*\[\\]*$")]


Runtime = Annotated[str, StringConstraints(max_length=50), Field(description="static, python, node, deno, go or shell")]
Path = Annotated[str, StringConstraints(max_length=1024, pattern=r"^/[!-~]*$")]


class CreateProject(BaseModel):
    """Body of POST /v1/projects. slug: 3 to 50 lower-case letters, digits, inner hyphens; derived from the name when absent.

    runtime: what it is, when that shall not be detected from the source.
    """

    model_config = ConfigDict(extra="forbid")
    name: Name
    slug: Slug | None = None
    repo_url: Text | None = None
    repo_branch: Branch = "main"
    runtime: Runtime | None = None


class ChangeProject(BaseModel):
    """Body of PATCH /v1/projects/{project}; what is absent stays, null goes back to what is detected."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    repo_url: Text | None = None
    repo_branch: Branch | None = None
    runtime: Runtime | None = None
    node_version: Text | None = None
    python_version: Text | None = None
    install_command: Text | None = None
    build_command: Text | None = None
    start_command: Text | None = None
    output_dir: Text | None = None
    root_dir: Text | None = None
    health_path: Path | None = None
    health_timeout: Annotated[int, Field(strict=True, ge=1, le=3600, description="seconds")] | None = None


class ProjectBody(BaseModel):
    """A project as the API shows it."""

    id: str
    name: str
    slug: str
    handle: str
    status: str = Field(description="new, running, crashed or stopped")
    url: str
    repo_url: str | None
    repo_branch: str
    is_connected: bool
    runtime: str | None
    node_version: str | None
    python_version: str | None
    install_command: str | None
    build_command: str | None
    start_command: str | None
    output_dir: str | None
    root_dir: str | None
    health_path: str | None
    health_timeout: int | None
    instances: int
    memory_mb: int
    git_url: str
    created_at: str
    updated_at: str


class ProjectAnswer(ProjectBody):
    """One project, bare and wrapped, so that clients of both seeds find it."""

    project: ProjectBody


class ProjectsAnswer(BaseModel):
    """One page of projects."""

    projects: list[ProjectBody]
    next_cursor: str | None = None


def page_of(projects: Sequence[Project], next_cursor: str | None, settings: Settings) -> bytes:
    """Return one page of projects as JSON of the shape of ProjectsAnswer.

    No model is made: that was a seventh of the whole time of the answer. A test holds what comes out to the shape.
    """
    own = _Own(settings)
    return to_json({"projects": [own.fields(project) for project in projects], "next_cursor": next_cursor})


def answer_of(project: Project, settings: Settings) -> ProjectAnswer:
    """Return a project for an answer that holds just one."""
    fields = _Own(settings).fields(project)
    return ProjectAnswer.model_validate({**fields, "project": fields})


_SLUG = "\0"  # where it goes
_INSIDE = ("organization_id", "pins")  # what of a project is nobody's business outside


class _Own:
    """What every project of an answer has in common, put together once."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url_of(f"{_SLUG}.{settings.base_domain}").partition(_SLUG)
        self._git = f"{settings.own_url}/git/"
        self._memory = settings.instance_memory

    def fields(self, project: Project) -> dict[str, object]:
        """Return the fields of one project."""
        before, _, after = self._url
        fields = {
            **vars(project),
            "url": f"{before}{project.slug}{after}",
            "memory_mb": project.memory_mb or self._memory,
            "is_connected": project.repo_url is not None,
            "git_url": f"{self._git}{project.handle}/{project.slug}.git",
            "created_at": project.created_at.isoformat(),
            "updated_at": project.updated_at.isoformat(),
        }
        for name in _INSIDE:
            del fields[name]
        return fields
