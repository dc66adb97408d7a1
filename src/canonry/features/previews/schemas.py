"""Shapes of requests and answers about previews; camel case where the seed has it so."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.core.settings import Settings
from canonry.features.deployments import DeploymentBody, body_of
from canonry.features.previews.models import Shown
from canonry.features.projects import Project

Branch = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=r"^[^\x00]*$")]
CommitId = Annotated[str, StringConstraints(min_length=7, max_length=64, pattern=r"^[0-9a-fA-F]*$")]


class CommitRequest(BaseModel):
    """A commit as the seed writes it."""

    model_config = ConfigDict(extra="forbid")
    hash: CommitId | None = None
    message: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] | None = None


class CreatePreview(BaseModel):
    """Body of POST /v1/projects/{project}/previews."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"branch": "feature/login", "expires": "7d"}]})
    branch: Branch
    commit: CommitId | CommitRequest | None = Field(None, description="a commit of the branch; without it its newest one")
    expires: Annotated[str, StringConstraints(max_length=20)] | None = Field(
        None, description="how long it stays after its last deployment: 30m, 12h or 7d", examples=["7d"]
    )


class ApprovePreview(BaseModel):
    """Body of an approval. commit: the one that was looked at; another one that came meanwhile is then not let in."""

    model_config = ConfigDict(extra="forbid")
    commit: CommitId | None = None


class PreviewBody(BaseModel):
    """A preview as the API shows it."""

    id: str
    url: str
    branch: str
    pull_request: int | None
    fork: str | None = Field(description="the repository a pull request comes from, when it is another one")
    commit: str | None
    commit_message: str | None
    status: str = Field(description="waiting (for an approval), queued, building, deploying, live, failed, cancelled or superseded")
    environment: str
    deployment_id: str | None
    expires_at: str
    created_at: str


class PreviewAnswer(BaseModel):
    """One preview, and the deployment that was asked for with it."""

    preview: PreviewBody
    url: str
    status: str
    deployId: str | None = None  # noqa: N815 -- the seed's own name
    deployment: DeploymentBody | None = None


class PreviewsAnswer(BaseModel):
    """The previews of a project, newest first."""

    previews: list[PreviewBody]


class DeliveredAnswer(BaseModel):
    """What became of a webhook. 201: something is deployed. 202: it waits, is removed, or was skipped. 200: answered, or known already."""

    deployId: str | None = None  # noqa: N815
    status: str | None = None
    environment: str | None = None
    previewId: str | None = None  # noqa: N815
    skipped: bool | None = None
    error: str | None = Field(None, description="why it was skipped: a stable code")
    message: str | None = None
    duplicate: bool | None = None
    pong: bool | None = None


def preview_body(shown: Shown, settings: Settings) -> PreviewBody:
    """Return a preview as the API shows it."""
    preview, deployment = shown.preview, shown.deployment
    status = "waiting" if preview.is_waiting else str(deployment.status) if deployment else "new"
    return PreviewBody(
        id=preview.id, url=settings.url_of(f"{preview.label}.{settings.base_domain}"), branch=preview.branch,
        pull_request=preview.pull_request, fork=preview.fork, commit=preview.commit or (deployment.commit if deployment else None),
        commit_message=preview.commit_message or (deployment.commit_message if deployment else None), status=status,
        environment=preview.environment, deployment_id=preview.deployment_id, expires_at=preview.expires_at.isoformat(),
        created_at=preview.created_at.isoformat(),
    )  # fmt: skip


def preview_answer(shown: Shown, project: Project, settings: Settings) -> PreviewAnswer:
    """Return one preview for an answer of its own."""
    body = preview_body(shown, settings)
    deployment = body_of(shown.deployment, project) if shown.deployment else None
    return PreviewAnswer(preview=body, url=body.url, status=body.status, deployId=body.deployment_id, deployment=deployment)
