"""Facts that a host told of. Whoever wants to act on one subscribes to it: each names the repository, as this Canonry knows it."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class PushNoticed(Event):
    """A branch of a repository at a host moved. is_own: by a commit of ours, or of another program: nothing is written back for it."""

    name: ClassVar[str] = "github.pushed"
    repository_id: str
    branch: str
    is_own: bool


@dataclass(frozen=True)
class PullRequestNoticed(Event):
    """Something became of a pull request. action: GitHub's word, `merged` for one that was closed by being merged."""

    name: ClassVar[str] = "github.pull_request"
    repository_id: str
    number: int
    action: str


@dataclass(frozen=True)
class IssueNoticed(Event):
    """An issue was opened, closed, labeled …: what a ticket in GitHub is now. state: `open` or `closed`."""

    name: ClassVar[str] = "github.issue"
    repository_id: str
    number: int
    action: str
    state: str
    labels: tuple[str, ...]
