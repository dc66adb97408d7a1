"""Shapes of requests and answers about deployments and instances."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.features.deployments.lifecycle import MEMORY_OF_SIZE
from canonry.features.deployments.models import Deployment, Instance
from canonry.features.projects import Project

Ref = Annotated[str, StringConstraints(min_length=1, max_length=250)]


class DeployRequest(BaseModel):
    """Body of a deploy; empty deploys the project's current source. repo_url connects a repository in the same call."""

    ref: Ref | None = None
    repo_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None


class PlanRequest(BaseModel):
    """Body of POST /v1/deploy/plan for a repository."""

    model_config = ConfigDict(extra="forbid")
    repo_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    ref: Ref | None = None


class ScaleRequest(BaseModel):
    """Body of POST /v1/projects/{project}/scale. size: xs, s, m, l or xl; memory_mb wins over it."""

    instances: Annotated[int, Field(strict=True, ge=1, le=32)] | None = None
    process: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")] = "web"
    memory_mb: Annotated[int, Field(strict=True, ge=32, le=1 << 20)] | None = None
    cpu: Annotated[float, Field(gt=0, le=64)] | None = None
    size: Annotated[str, StringConstraints(pattern="^(" + "|".join(MEMORY_OF_SIZE) + ")$")] | None = None


class DeploymentError(BaseModel):
    """Why a deployment ended without going live."""

    code: str
    message: str
    hint: str = ""


class DeploymentBody(BaseModel):
    """A deployment as the API shows it."""

    id: str
    project_id: str
    slug: str
    environment: str
    status: str = Field(description="queued, building, deploying, live, superseded, failed or cancelled")
    step: str
    trigger: str
    ref: str | None
    commit: str | None
    commit_message: str | None
    artifact_id: str | None
    release_id: str | None
    reused: bool
    url: str | None
    error: DeploymentError | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class DeploymentAnswer(BaseModel):
    """One deployment."""

    deployment: DeploymentBody


class QueuedAnswer(DeploymentAnswer):
    """A deployment that was asked for, in the words of both seeds."""

    deployId: str  # noqa: N815 -- the seed's own name
    status: str


class DeploymentsAnswer(BaseModel):
    """One page of deployments."""

    deployments: list[DeploymentBody]
    next_cursor: str | None = None


class LogLine(BaseModel):
    """One line of a build log."""

    seq: int
    ts: str
    stream: str
    text: str


class BuildLogAnswer(BaseModel):
    """Some lines of a build log, where to go on, and whether there will be more."""

    lines: list[LogLine]
    next_seq: int
    done: bool


class PlanAnswer(BaseModel):
    """What a deploy would do."""

    plan: dict[str, Any]


class InstanceBody(BaseModel):
    """A running copy as the API shows it."""

    id: str
    index: int
    process: str
    status: str
    started_at: str
    restarts: int
    reason: str
    memory_bytes: int
    memory_mb: int
    release_id: str
    environment: str


class InstancesAnswer(BaseModel):
    """The instances of a project."""

    instances: list[InstanceBody]


def body_of(deployment: Deployment, project: Project) -> DeploymentBody:
    """Return a deployment as the API shows it."""
    fields = {name: getattr(deployment, name) for name in DeploymentBody.model_fields if hasattr(deployment, name)}
    for name in ("created_at", "started_at", "finished_at"):
        fields[name] = None if fields[name] is None else fields[name].isoformat()
    fields |= {"status": str(deployment.status), "slug": project.slug}
    return DeploymentBody(**fields)


def queued_of(deployment: Deployment, project: Project) -> QueuedAnswer:
    """Return the answer to somebody who asked for a deployment."""
    return QueuedAnswer(deployId=deployment.id, status=str(deployment.status), deployment=body_of(deployment, project))


def instance_body(instance: Instance, memory_bytes: int) -> InstanceBody:
    """Return an instance as the API shows it."""
    return InstanceBody(
        id=instance.id, index=instance.index, process=instance.process, status=instance.status, started_at=instance.started_at.isoformat(),
        restarts=instance.restarts, reason=instance.reason, memory_bytes=memory_bytes, memory_mb=instance.memory_mb,
        release_id=instance.release_id, environment=instance.environment,
    )  # fmt: skip
