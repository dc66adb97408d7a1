"""Pull requests and what is said of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What somebody thinks of it."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"


@dataclass(frozen=True)
class PullRequest:
    """A branch (`head`) that wants to be merged into another (`base`) of the same repository.

    head_commit: where it stood when it ended; None while one of a repository here is open. merge_commit: what brought it into the base.
    created_by, ended_by: names of people; None of somebody who is gone.
    """

    repository_id: str
    number: int
    title: str
    body: str
    head: str
    base: str
    state: State
    created_by: str | None
    created_at: datetime
    head_commit: str | None
    merge_commit: str | None
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Review:
    """What somebody said of a commit of a pull request."""

    user: str | None
    verdict: Verdict
    body: str
    commit: str
    created_at: datetime


@dataclass(frozen=True)
class Comparison:
    """What a pull request would bring.

    commits: (id, subject, author), oldest first. files: paths. conflicts: paths; empty when it can be merged.
    """

    head_commit: str
    base_commit: str
    commits: tuple[tuple[str, str, str], ...]
    files: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a pull request. is_approved: somebody approved it, and nobody's last word asks for changes. files: paths."""

    head: str
    base: str
    files: tuple[str, ...]
    is_merged: bool
    is_approved: bool
