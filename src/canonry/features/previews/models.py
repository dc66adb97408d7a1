"""A preview as it is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from canonry.features.deployments import Deployment


@dataclass(frozen=True)
class Preview:
    """A branch or pull request on a URL of its own.

    environment: `preview/<branch>`; of a fork's pull request `preview/pull:<n>`, which no branch can be named.
    fork: where a pull request comes from (`owner/name`), None for branches of the repository itself.
    commit: the newest one we were told of, None for whatever the branch holds. approved_commit: of a fork, the last one let in.
    deployment_id: the newest deployment. label: what its host begins with. lifetime: how long it stays after a deployment.
    """

    id: str
    organization_id: str
    project_id: str
    environment: str
    branch: str
    pull_request: int | None
    fork: str | None
    commit: str | None
    commit_message: str | None
    approved_commit: str | None
    deployment_id: str | None
    label: str
    lifetime: timedelta
    expires_at: datetime
    created_at: datetime

    @property
    def version(self) -> str:
        """Changes whenever the preview is brought up to date."""
        return self.expires_at.isoformat()

    @property
    def is_waiting(self) -> bool:
        """True while the newest commit of a fork is not let in."""
        return self.fork is not None and self.commit != self.approved_commit


@dataclass(frozen=True)
class Change:
    """What is to be previewed. lifetime: None for the usual one (of a preview that is there: its own). origin: what asked for it."""

    branch: str
    commit: str | None = None
    message: str | None = None
    pull_request: int | None = None
    fork: str | None = None
    lifetime: timedelta | None = None
    origin: str = "preview"


@dataclass(frozen=True)
class Shown:
    """A preview with its newest deployment; None while nothing was deployed to it."""

    preview: Preview
    deployment: Deployment | None
