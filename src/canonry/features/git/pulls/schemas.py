"""Shapes of requests and answers about pull requests."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.core.settings import Settings
from canonry.features.git.pulls.models import Comparison, PullRequest, Review, Verdict
from canonry.features.git.repositories.models import Repository

_Title = Annotated[str, StringConstraints(min_length=1, max_length=250, strip_whitespace=True, pattern=r"^[^\x00]*$")]
_Words = Annotated[str, StringConstraints(max_length=60_000, pattern=r"^[^\x00]*$")]
_Branch = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class OpenPullRequest(BaseModel):
    """Body of POST /v1/repositories/{repository}/pulls."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Say what a retry is", "head": "retry"}]})
    title: _Title
    head: _Branch = Field(description="the branch to be merged")
    base: _Branch | None = Field(None, description="the branch to merge it into; the default branch when absent")
    body: _Words = ""


class ReviewRequest(BaseModel):
    """Body of POST /v1/repositories/{repository}/pulls/{number}/reviews."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"verdict": "approved"}]})
    verdict: Verdict
    body: _Words = ""
    commit: _Commit | None = Field(None, description="the commit that was looked at; the newest when absent")


class MergeRequest(BaseModel):
    """Body of POST /v1/repositories/{repository}/pulls/{number}/merge."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})
    head: _Commit | None = Field(None, description="the commit that was looked at; a branch that moved since is refused")


class ReviewBody(BaseModel):
    """What somebody said of it."""

    user: str | None
    verdict: Verdict
    body: str
    commit: str
    created_at: str


class CommitBody(BaseModel):
    """A commit that it brings."""

    sha: str
    subject: str
    author: str


class PullRequestBody(BaseModel):
    """A pull request."""

    number: int
    title: str
    body: str
    state: Literal["open", "merged", "closed"]
    head: str
    base: str
    url: str
    created_by: str | None
    created_at: str
    merge_commit: str | None
    ended_by: str | None
    ended_at: str | None


class PullRequestDetails(PullRequestBody):
    """A pull request with what it brings. mergeable: null when its branches are gone or it has ended."""

    head_commit: str | None
    commits: list[CommitBody]
    files: list[str]
    mergeable: bool | None
    conflicts: list[str]
    reviews: list[ReviewBody]


class PullRequestAnswer(BaseModel):
    """One pull request."""

    pull_request: PullRequestBody


class PullRequestDetailsAnswer(BaseModel):
    """One pull request with everything about it."""

    pull_request: PullRequestDetails


class PullRequestsAnswer(BaseModel):
    """The newest pull requests of a repository."""

    pull_requests: list[PullRequestBody]


class DiffAnswer(BaseModel):
    """What it changes, as a unified diff."""

    diff: str


def body_of(pull: PullRequest, repository: Repository, settings: Settings) -> PullRequestBody:
    """Return a pull request as the API shows it."""
    return PullRequestBody.model_validate(_fields(pull, repository, settings))


def details_of(
    pull: PullRequest, repository: Repository, settings: Settings, compared: Comparison | None, reviews: list[Review]
) -> PullRequestDetails:
    """Return it with what it brings and what was said of it."""
    return PullRequestDetails.model_validate({
        **_fields(pull, repository, settings),
        "head_commit": compared.head_commit if compared else pull.head_commit,
        "commits": [{"sha": sha, "subject": subject, "author": author} for sha, subject, author in compared.commits] if compared else [],
        "files": list(compared.files) if compared else [],
        "mergeable": None if compared is None or pull.state != "open" else not compared.conflicts,
        "conflicts": list(compared.conflicts) if compared else [],
        "reviews": [_review(item) for item in reviews],
    })  # fmt: skip


def pull_url(repository: Repository, number: int, settings: Settings) -> str:
    """Return where people look at it."""
    if repository.is_elsewhere:
        return f"{settings.github_url.rstrip('/')}/{repository.full_name}/pull/{number}"
    return f"{settings.own_url}/app/{repository.owner}/pulls/{repository.full_name}/{number}"


def _review(item: Review) -> dict[str, object]:
    return {
        "user": item.user, "verdict": item.verdict, "body": item.body, "commit": item.commit, "created_at": item.created_at.isoformat(),
    }  # fmt: skip


def _fields(pull: PullRequest, repository: Repository, settings: Settings) -> dict[str, object]:
    return {
        "number": pull.number, "title": pull.title, "body": pull.body, "state": str(pull.state), "head": pull.head, "base": pull.base,
        "url": pull_url(repository, pull.number, settings), "created_by": pull.created_by, "created_at": pull.created_at.isoformat(),
        "merge_commit": pull.merge_commit, "ended_by": pull.ended_by, "ended_at": pull.ended_at.isoformat() if pull.ended_at else None,
    }  # fmt: skip
