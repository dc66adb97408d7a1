"""Port: the host of a repository. It is told what becomes of commits; and repositories of specs may live there: files, branches, pulls.

A repository that lives at a host is read by git (`clone_url`, `access`) and written to by what stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """What is said of a commit. context: tells several statuses of one commit apart. url: where to look, "" for nowhere."""

    commit: str
    state: ReportState
    context: str
    url: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Report(CommitStatus):
    """How the deployment of a commit stands. environment: as people know it; is_preview: whether it goes again."""

    environment: str
    is_preview: bool


@dataclass(frozen=True)
class Described:
    """A repository as its host describes it. name: `owner/name` as it is written there. number: what stays when the name changes."""

    name: str
    number: int
    default_branch: str
    description: str


@dataclass(frozen=True)
class FileWrite:
    """A commit to one file. content: None takes the file away. sha: the blob it was made from, None for a file that is new."""

    branch: str
    path: str
    content: bytes | None
    sha: str | None
    message: str
    author_name: str
    author_email: str


@dataclass(frozen=True)
class FileWritten:
    """The commit that was made, and the file's new blob id (None: it is gone)."""

    commit: str
    sha: str | None


class PullState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True)
class HostPull:
    """A pull request at the host. created_by, ended_by: logins. head_commit: where its branch stands, or stood when it ended."""

    number: int
    title: str
    body: str
    head: str
    base: str
    head_commit: str
    state: PullState
    created_by: str | None
    created_at: datetime
    merge_commit: str | None
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True)
class HostReview:
    """What somebody said of a commit of a pull request. verdict: `approved`, `changes_requested` or `commented`."""

    user: str | None
    verdict: str
    body: str
    commit: str
    created_at: datetime


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

    def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Set the status of a commit; a later one with the same context replaces it. INACTIVE is no status of a commit: nothing is set."""
        ...

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Announce a deployment and return the host's id for it."""
        ...

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Say how an announced deployment stands."""
        ...

    def set_webhook(self, repository: Repository, url: str, secret: Secret, events: Sequence[str] = ("push", "pull_request")) -> None:
        """Let the host send these events to `url`, signed with `secret`; one that sends there already is changed."""
        ...

    def describe(self, repository: Repository) -> Described:
        """Return what the host says of a repository, also when it has another name by now."""
        ...

    def clone_url(self, name: str) -> str:
        """Return the address that git reads the repository `owner/name` from."""
        ...

    def access(self, repository: Repository) -> Secret:
        """Return the token that git reads the repository with."""
        ...

    def installation_of(self, repository: Repository) -> int | None:
        """Return the host's number for the installation of the app at a repository; None where a token acts, or no app is installed."""
        ...

    def installed_at(self, installation: int) -> list[Described]:
        """Return the repositories that an installation of the app may act on."""
        ...

    def write_file(self, repository: Repository, change: FileWrite) -> FileWritten:
        """Commit one file to a branch. Raises: Conflict `stale_file` when the file, or its branch, is not as the caller knew it."""
        ...

    def create_branch(self, repository: Repository, branch: str, commit: str) -> None:
        """Make a branch at a commit. Raises: Conflict `branch_exists`."""
        ...

    def delete_branch(self, repository: Repository, branch: str) -> None:
        """Remove a branch; none is no error."""
        ...

    def open_pull(self, repository: Repository, *, head: str, base: str, title: str, body: str) -> HostPull:
        """Open a pull request. Raises: Conflict `pull_request_exists`, `nothing_to_merge`."""
        ...

    def pulls(self, repository: Repository, state: PullState | None) -> list[HostPull]:
        """Return the newest 200 pull requests, or those of them in one state."""
        ...

    def pull(self, repository: Repository, number: int) -> HostPull:
        """Return one pull request. Raises: NotFound `pull_request_not_found`."""
        ...

    def reviews(self, repository: Repository, number: int) -> list[HostReview]:
        """Return what was said of a pull request, oldest first. Raises: NotFound `pull_request_not_found`."""
        ...

    def review(self, repository: Repository, number: int, *, verdict: str, body: str, commit: str) -> None:
        """Say what one thinks of a commit of a pull request. Raises: NotFound `pull_request_not_found`."""
        ...

    def merge_pull(self, repository: Repository, number: int, *, head: str | None, title: str) -> str:
        """Merge by a merge commit, and return it. head: the commit that was looked at.

        Raises: NotFound `pull_request_not_found`; Conflict `head_moved`, `merge_conflict`.
        """
        ...

    def close_pull(self, repository: Repository, number: int) -> None:
        """Close a pull request without merging it. Raises: NotFound `pull_request_not_found`."""
        ...
