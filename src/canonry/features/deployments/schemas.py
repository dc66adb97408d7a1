"""Shapes of requests and answers about deployments and instances."""

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from canonry.features.deployments.models import Deployment, Instance
from canonry.features.deployments.scaling import TIERS, ProcessScale, Wish
from canonry.features.projects import Project, ProjectAnswer

MOST_INSTANCES = 32

Ref = Annotated[str, StringConstraints(min_length=1, max_length=250)]


class DeployRequest(BaseModel):
    """Body of a deploy; empty deploys the project's current source. repo_url connects a repository in the same call."""

    ref: Ref | None = None
    repo_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None


class PushedRequest(BaseModel):
    """Body of POST /v1/repositories/{repository}/deployments."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"branch": "main"}]})
    branch: Ref = Field(description="the branch that moved")


class PushedProject(BaseModel):
    """What a change of a repository does to one of its projects."""

    project: str = Field(description="its slug")
    outcome: str = Field(description="in words: whether it is deployed, and why")
    deployment_id: str | None = Field(description="null when it is not deployed")


class PushedAnswer(BaseModel):
    """Every project that is deployed from that branch of the repository."""

    projects: list[PushedProject]


class PlanRequest(BaseModel):
    """Body of POST /v1/deploy/plan for a repository."""

    model_config = ConfigDict(extra="forbid")
    repo_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    ref: Ref | None = None


def _positive(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a positive integer")
    if value > MOST_INSTANCES:
        raise ValueError(f"must be at most {MOST_INSTANCES}")
    return value


Count = Annotated[int, BeforeValidator(_positive), Field(ge=1, le=MOST_INSTANCES)]
Megabytes = Annotated[int, Field(strict=True, ge=32, le=1 << 20, description="MiB of memory of one instance")]
Cores = Annotated[float, Field(strict=True, ge=0.05, le=64, allow_inf_nan=False, description="cores that one instance may use")]


class ScaleRequest(BaseModel):
    """Body of POST /v1/projects/{project}/scale; what is absent stays as it is.

    size: xs, s, m, l or xl, memory and cpu together; memory_mb (or memoryMb) and cpu (or vcpu) win over it. cpu null: no limit any more.
    """

    model_config = ConfigDict(extra="forbid")
    instances: Count | None = None
    process: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")] = "web"
    size: Literal["xs", "s", "m", "l", "xl"] | None = None
    memory_mb: Megabytes | None = None
    memoryMb: Megabytes | None = None  # noqa: N815 -- the seed's own name
    cpu: Cores | None = None
    vcpu: Cores | None = None

    @model_validator(mode="after")
    def _says_something_once(self) -> Self:
        given = (self.instances, self.size, self.memory_mb, self.memoryMb)
        if all(value is None for value in given) and not self.model_fields_set & {"cpu", "vcpu"}:
            raise ValueError("say at least one of instances, size, memory_mb and cpu")
        for one, other in (("memory_mb", "memoryMb"), ("cpu", "vcpu")):
            if {one, other} <= self.model_fields_set and getattr(self, one) != getattr(self, other):
                raise ValueError(f"`{one}` and `{other}` are one thing: send one of them")
        return self

    @property
    def wish(self) -> Wish:
        """What is wanted."""
        tier = TIERS.get(self.size or "")
        cpu = self.cpu if self.cpu is not None else self.vcpu
        no_limit = cpu is None and bool(self.model_fields_set & {"cpu", "vcpu"})
        if cpu is None and tier is not None and not no_limit:
            cpu = tier.cpu
        memory = self.memory_mb or self.memoryMb or (tier.memory_mb if tier is not None else None)
        return Wish(self.process, self.instances, memory, cpu, no_limit)


class ProcessScaleBody(BaseModel):
    """How many instances of a process are wanted, how big they are (cpu null: no limit), and how many run and are healthy."""

    process: str
    instances: int
    size: str | None
    memory_mb: int
    cpu: float | None
    running: int
    healthy: int


class TierBody(BaseModel):
    """A size by name."""

    size: str
    memory_mb: int
    cpu: float


class ScaleAnswer(BaseModel):
    """The processes of a project, the sizes there are, and the most instances a process may have."""

    processes: list[ProcessScaleBody]
    tiers: list[TierBody]
    max_instances: int


class ScaledAnswer(ProjectAnswer):
    """The project, and what was set."""

    scale: ProcessScaleBody


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
    cpu: float | None
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
        cpu=instance.cpu, release_id=instance.release_id, environment=instance.environment,
    )  # fmt: skip


def scale_body(scale: ProcessScale) -> ProcessScaleBody:
    """Return the scale of a process as the API shows it."""
    return ProcessScaleBody(**asdict(scale), size=scale.size)
