"""Port: the host of a repository, told what becomes of its commits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from canonry.core.secret import Secret


class ReportState(StrEnum):
    """How a deployment stands, in the words that hosts have for it. INACTIVE: it was live, and another one, or nothing, is now."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    INACTIVE = "inactive"


@dataclass(frozen=True)
class Repository:
    """A repository at the host. name: `owner/name`. token: what we may act with; None: as the app that is installed there."""

    name: str
    token: Secret | None


@dataclass(frozen=True)
class Report:
    """How the deployment of a commit stands. context: tells several reports about one commit apart. url: where to look at it.

    environment: as people know it; is_preview: whether it goes again.
    """

    commit: str
    state: ReportState
    context: str
    environment: str
    is_preview: bool
    url: str
    description: str


class GitHost(Protocol):
    """Every method raises: Unavailable `git_host_unreachable` (try again); Denied `git_host_refused`; Invalid `git_host_rejected`."""

    def repository_at(self, url: str) -> str | None:
        """Return `owner/name` when the address is one of this host's, else None."""
        ...

    def may_act(self, repository: Repository) -> bool:
        """Say whether there is anything to act with: a token, or an app that is installed there."""
        ...

    def may_push(self, name: str, person: Secret) -> bool:
        """Say whether somebody may push to the repository `owner/name`. person: what they are known by at the host."""
        ...

    def set_status(self, repository: Repository, report: Report) -> None:
        """Set the status of a commit; a later one with the same context replaces it. INACTIVE is no status of a commit: nothing is set."""
        ...

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Announce a deployment and return the host's id for it."""
        ...

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Say how an announced deployment stands."""
        ...

    def set_webhook(self, repository: Repository, url: str, secret: Secret) -> None:
        """Let the host send pushes and pull requests to `url`, signed with `secret`; one that sends there already is changed."""
        ...
