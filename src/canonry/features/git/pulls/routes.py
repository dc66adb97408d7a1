"""HTTP for pull requests."""

from typing import Annotated

from fastapi import Path, Query

from canonry.core.access import Actor, Permission
from canonry.features.git.pulls import either, service
from canonry.features.git.pulls.models import State
from canonry.features.git.pulls.schemas import (
    DiffAnswer,
    MergeRequest,
    OpenPullRequest,
    PullRequestAnswer,
    PullRequestDetailsAnswer,
    PullRequestsAnswer,
    ReviewRequest,
    body_of,
    details_of,
)
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.models import Repository
from canonry.http.deps import ActorDep, Services, ServicesDep
from canonry.http.routing import Routes

router = Routes(tags=["Pull requests"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="its number in the repository")]
_PULLS = "/repositories/{repository}/pulls"


@router.operation("GET", _PULLS, Permission.SPECS_READ, errors=[503])
def list_pull_requests(
    repository: str, actor: ActorDep, services: ServicesDep, state: Annotated[State | None, Query()] = None
) -> PullRequestsAnswer:
    """List the newest pull requests of a repository."""
    found = _find(services, actor, repository)
    return PullRequestsAnswer(pull_requests=[body_of(pull, found, services.settings) for pull in either.page(services, found, state)])


@router.operation("POST", _PULLS, Permission.SPECS_WRITE, status_code=201, errors=[409, 503])
def open_pull_request(repository: str, body: OpenPullRequest, actor: ActorDep, services: ServicesDep) -> PullRequestAnswer:
    """Propose to merge a branch into another."""
    found = _find(services, actor, repository)
    pull = either.open_one(services, actor, found, head=body.head, base=body.base, title=body.title, body=body.body)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("GET", f"{_PULLS}/{{number}}", Permission.SPECS_READ, errors=[409, 413, 503])
def show_pull_request(repository: str, number: Number, actor: ActorDep, services: ServicesDep) -> PullRequestDetailsAnswer:
    """Show a pull request: its commits, the files it changes, whether it can be merged, and what was said of it."""
    found = _find(services, actor, repository)
    pull, compared, reviews = either.look(services, found, number)
    return PullRequestDetailsAnswer(pull_request=details_of(pull, found, services.settings, compared, reviews))


@router.operation("GET", f"{_PULLS}/{{number}}/diff", Permission.SPECS_READ, errors=[409, 413, 503])
def show_pull_request_diff(repository: str, number: Number, actor: ActorDep, services: ServicesDep) -> DiffAnswer:
    """Show what a pull request changes, cut at 2 MiB."""
    found = _find(services, actor, repository)
    _, compared, _ = either.look(services, found, number)
    return DiffAnswer(diff="" if compared is None else service.diff(services.home, found, compared))


@router.operation("POST", f"{_PULLS}/{{number}}/reviews", Permission.SPECS_WRITE, status_code=201, errors=[409, 413, 503])
def review_pull_request(repository: str, number: Number, body: ReviewRequest, actor: ActorDep, services: ServicesDep) -> PullRequestAnswer:
    """Approve a pull request, ask for changes, or comment on it."""
    found = _find(services, actor, repository)
    pull = either.review(services, actor, found, number, verdict=body.verdict, body=body.body, commit=body.commit)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("POST", f"{_PULLS}/{{number}}/merge", Permission.SPECS_WRITE, errors=[409, 503])
def merge_pull_request(repository: str, number: Number, body: MergeRequest, actor: ActorDep, services: ServicesDep) -> PullRequestAnswer:
    """Merge a pull request by a merge commit. What its branch brings is indexed; a project deploys its branch as after a push."""
    found = _find(services, actor, repository)
    pull = either.merge(services, actor, found, number, head=body.head)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("POST", f"{_PULLS}/{{number}}/close", Permission.SPECS_WRITE, errors=[409, 503])
def close_pull_request(repository: str, number: Number, actor: ActorDep, services: ServicesDep) -> PullRequestAnswer:
    """Close a pull request without merging it; its branch stays."""
    found = _find(services, actor, repository)
    pull = either.close(services, actor, found, number)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


def _find(services: Services, actor: Actor, key: str) -> Repository:
    with services.transactions.begin() as tx:
        return repositories.find(tx, actor, key)
