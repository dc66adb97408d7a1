"""Facts about deployments."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DeploymentRequested(Event):
    """Somebody asked for a deployment."""

    name: ClassVar[str] = "deployment.requested"
    project_id: str
    deployment_id: str


@dataclass(frozen=True)
class DeploymentSucceeded(Event):
    """A deployment went live."""

    name: ClassVar[str] = "deployment.succeeded"
    project_id: str
    deployment_id: str


@dataclass(frozen=True)
class DeploymentFailed(Event):
    """A deployment ended without going live, and not because somebody wanted that. code: of the error."""

    name: ClassVar[str] = "deployment.failed"
    project_id: str
    deployment_id: str
    code: str


@dataclass(frozen=True)
class DeploymentCancelRequested(Event):
    """Somebody wants a running deployment to stop; it ends as soon as its step lets go."""

    name: ClassVar[str] = "deployment.cancel_requested"
    project_id: str
    deployment_id: str


@dataclass(frozen=True)
class DeploymentCancelled(Event):
    """A deployment ended because somebody cancelled it."""

    name: ClassVar[str] = "deployment.cancelled"
    project_id: str
    deployment_id: str


@dataclass(frozen=True)
class DeploymentSuperseded(Event):
    """A deployment that had not begun gave its place to a newer one."""

    name: ClassVar[str] = "deployment.superseded"
    project_id: str
    deployment_id: str
