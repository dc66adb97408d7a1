"""HTTP for pull requests."""

from typing import Annotated

from fastapi import Path, Query

from canonry.core.access import Permission
from canonry.core.errors import NotFound
from canonry.features.git.pulls import service
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
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Pull requests"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="its number in the repository")]
_PULLS = "/repositories/{repository}/pulls"


@router.operation("GET", _PULLS, Permission.SPECS_READ)
def list_pull_requests(
    repository: str, actor: ActorDep, tx: TxDep, services: ServicesDep, state: Annotated[State | None, Query()] = None
) -> PullRequestsAnswer:
    """List the newest pull requests of a repository."""
    found = repositories.find(tx, actor, repository)
    return PullRequestsAnswer(pull_requests=[body_of(pull, found, services.settings) for pull in service.page(tx, found, state)])


@router.operation("POST", _PULLS, Permission.SPECS_WRITE, status_code=201, errors=[409])
def open_pull_request(repository: str, body: OpenPullRequest, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PullRequestAnswer:
    """Propose to merge a branch into another."""
    found = repositories.find(tx, actor, repository)
    pull = service.open_one(tx, actor, services.home, found, head=body.head, base=body.base, title=body.title, body=body.body)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("GET", f"{_PULLS}/{{number}}", Permission.SPECS_READ)
def show_pull_request(repository: str, number: Number, actor: ActorDep, services: ServicesDep) -> PullRequestDetailsAnswer:
    """Show a pull request: its commits, the files it changes, whether it can be merged, and what was said of it."""
    with services.transactions.begin() as tx:
        found = repositories.find(tx, actor, repository)
        pull = service.get(tx, found, number)
        reviews = service.reviews_of(tx, pull)
    compared = service.compare(services.home, found, pull)
    return PullRequestDetailsAnswer(pull_request=details_of(pull, found, services.settings, compared, reviews))


@router.operation("GET", f"{_PULLS}/{{number}}/diff", Permission.SPECS_READ)
def show_pull_request_diff(repository: str, number: Number, actor: ActorDep, services: ServicesDep) -> DiffAnswer:
    """Show what a pull request changes, cut at 2 MiB."""
    with services.transactions.begin() as tx:
        found = repositories.find(tx, actor, repository)
        pull = service.get(tx, found, number)
    compared = service.compare(services.home, found, pull)
    return DiffAnswer(diff="" if compared is None else service.diff(services.home, found, compared))


@router.operation("POST", f"{_PULLS}/{{number}}/reviews", Permission.SPECS_WRITE, status_code=201, errors=[409])
def review_pull_request(
    repository: str, number: Number, body: ReviewRequest, actor: ActorDep, tx: TxDep, services: ServicesDep
) -> PullRequestAnswer:
    """Approve a pull request, ask for changes, or comment on it."""
    found = repositories.find(tx, actor, repository)
    commit = body.commit
    if commit is None:
        compared = service.compare(services.home, found, service.get(tx, found, number))
        if compared is None:
            raise NotFound("ref_not_found", "The branch of this pull request is gone.", hint="Push it again.")
        commit = compared.head_commit
    pull = service.review(tx, actor, found, number, verdict=body.verdict, body=body.body, commit=commit)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("POST", f"{_PULLS}/{{number}}/merge", Permission.SPECS_WRITE, errors=[409])
def merge_pull_request(repository: str, number: Number, body: MergeRequest, actor: ActorDep, services: ServicesDep) -> PullRequestAnswer:
    """Merge a pull request by a merge commit. What its branch brings is indexed; a project deploys its branch as after a push."""
    with services.transactions.begin() as tx:
        found = repositories.find(tx, actor, repository)
    pull = service.merge_one(services.transactions, actor, services.home, found, number, head=body.head)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))


@router.operation("POST", f"{_PULLS}/{{number}}/close", Permission.SPECS_WRITE, errors=[409])
def close_pull_request(repository: str, number: Number, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PullRequestAnswer:
    """Close a pull request without merging it; its branch stays."""
    found = repositories.find(tx, actor, repository)
    pull = service.close(tx, actor, services.home, found, number)
    return PullRequestAnswer(pull_request=body_of(pull, found, services.settings))
