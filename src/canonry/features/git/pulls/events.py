"""Facts about pull requests."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class PullRequestOpened(Event):
    """A pull request was opened."""

    name: ClassVar[str] = "pull_request.opened"
    repository_id: str
    number: int


@dataclass(frozen=True)
class PullRequestReviewed(Event):
    """Somebody reviewed a pull request."""

    name: ClassVar[str] = "pull_request.reviewed"
    repository_id: str
    number: int


@dataclass(frozen=True)
class PullRequestMerged(Event):
    """A pull request was merged."""

    name: ClassVar[str] = "pull_request.merged"
    repository_id: str
    number: int


@dataclass(frozen=True)
class PullRequestClosed(Event):
    """A pull request was closed without being merged."""

    name: ClassVar[str] = "pull_request.closed"
    repository_id: str
    number: int
