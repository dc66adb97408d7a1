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
    """A deployment ended without going live. code: of the error."""

    name: ClassVar[str] = "deployment.failed"
    project_id: str
    deployment_id: str
    code: str
