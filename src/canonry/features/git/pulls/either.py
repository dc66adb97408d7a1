"""One front door to pull requests, wherever the repository lives: here, or at a host."""

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.refs import parse_branch
from canonry.features.git.context import Context
from canonry.features.git.pulls import elsewhere, service
from canonry.features.git.pulls.events import PullRequestClosed, PullRequestMerged, PullRequestOpened, PullRequestReviewed
from canonry.features.git.pulls.models import Comparison, Outcome, PullRequest, Review, State, Verdict
from canonry.features.git.repositories.models import Repository


def open_one(
    context: Context, actor: Actor, repository: Repository, *, head: str, base: str | None, title: str, body: str = ""
) -> PullRequest:
    """Open a pull request. base: the default branch when absent. Raises: as `pulls.service.open_one`, and what the port says."""
    require(actor, Permission.SPECS_WRITE)
    if not repository.is_elsewhere:
        return service.open_one(context.transactions, actor, context.home, repository, head=head, base=base, title=title, body=body)
    head, base = parse_branch(head), parse_branch(base or repository.default_branch)
    if head == base:
        raise Invalid("same_branch", f"{head} cannot be merged into itself.", hint="Name another branch.",
                      issues=[Issue("body.head", "is the base", "branch")])  # fmt: skip
    opened = elsewhere.open_one(context, actor, repository, head=head, base=base, title=title, body=body)
    with context.transactions.begin() as tx:
        tx.emit(PullRequestOpened(repository.organization_id, repository.id, opened.number),
                after={"title": title, "head": head, "base": base})  # fmt: skip
    return opened


def page(context: Context, repository: Repository, state: State | None) -> list[PullRequest]:
    """Return the newest pull requests."""
    if repository.is_elsewhere:
        return elsewhere.page(context, repository, state)
    with context.transactions.begin() as tx:
        return service.page(tx, repository, state)


def get(context: Context, repository: Repository, number: int) -> PullRequest:
    """Return one. Raises: NotFound `pull_request_not_found`."""
    if repository.is_elsewhere:
        return elsewhere.get(context, repository, number)
    with context.transactions.begin() as tx:
        return service.get(tx, repository, number)


def look(context: Context, repository: Repository, number: int) -> tuple[PullRequest, Comparison | None, list[Review]]:
    """Return one with what it brings and what was said of it."""
    pull = get(context, repository, number)
    if repository.is_elsewhere:
        elsewhere.bring(context, repository, number)
        reviews = elsewhere.reviews_of(context, repository, number)
    else:
        with context.transactions.begin() as tx:
            reviews = service.reviews_of(tx, pull)
    return pull, service.compare(context.home, repository, pull), reviews


def review(
    context: Context, actor: Actor, repository: Repository, number: int, *, verdict: Verdict, body: str, commit: str | None
) -> PullRequest:
    """Say what one thinks of a commit of it, the newest when none is named.

    Raises: NotFound; Conflict `pull_request_ended`; Invalid `empty_review`; and what the port says.
    """
    require(actor, Permission.SPECS_WRITE)
    if commit is None:
        _, compared, _ = look(context, repository, number)
        if compared is None:
            raise NotFound("ref_not_found", "The branch of this pull request is gone.", hint="Push it again.")
        commit = compared.head_commit
    if not repository.is_elsewhere:
        with context.transactions.begin() as tx:
            return service.review(tx, actor, repository, number, verdict=verdict, body=body, commit=commit)
    pull = _open(elsewhere.get(context, repository, number))
    service.check_review(verdict, body)
    elsewhere.review(context, actor, repository, number, verdict=verdict, body=body, commit=commit)
    with context.transactions.begin() as tx:
        tx.emit(PullRequestReviewed(repository.organization_id, repository.id, number), after={"verdict": str(verdict), "commit": commit})
    return pull


def merge(context: Context, actor: Actor, repository: Repository, number: int, *, head: str | None = None) -> PullRequest:
    """Merge it by a merge commit. head: the commit that was looked at. Raises: as `pulls.service.merge_one`, and what the port says."""
    require(actor, Permission.SPECS_WRITE)
    if not repository.is_elsewhere:
        return service.merge_one(context.transactions, actor, context.home, repository, number, head=head)
    pull = _open(elsewhere.get(context, repository, number))
    head = elsewhere.check_merge(context, repository, pull, head=head)
    commit = elsewhere.merge(context, actor, repository, pull, head=head)
    with context.transactions.begin() as tx:
        tx.emit(PullRequestMerged(repository.organization_id, repository.id, number), before={"state": "open"},
                after={"commit": commit, "base": pull.base})  # fmt: skip
    return elsewhere.get(context, repository, number)


def close(context: Context, actor: Actor, repository: Repository, number: int) -> PullRequest:
    """Close it without merging. Raises: NotFound; Conflict `pull_request_ended`; and what the port says."""
    require(actor, Permission.SPECS_WRITE)
    if not repository.is_elsewhere:
        return service.close(context.transactions, actor, context.home, repository, number)
    _open(elsewhere.get(context, repository, number))
    elsewhere.close(context, actor, repository, number)
    with context.transactions.begin() as tx:
        tx.emit(PullRequestClosed(repository.organization_id, repository.id, number), before={"state": "open"}, after={"state": "closed"})
    return elsewhere.get(context, repository, number)


def outcome(context: Context, repository: Repository, number: int) -> Outcome:
    """Return what became of a pull request, for what follows from it."""
    pull, compared, reviews = look(context, repository, number)
    last = {item.user: item.verdict for item in reviews if item.verdict != Verdict.COMMENTED}
    is_approved = Verdict.APPROVED in last.values() and Verdict.CHANGES_REQUESTED not in last.values()
    files = compared.files if compared is not None else ()
    return Outcome(pull.head, pull.base, files, is_merged=pull.state == State.MERGED, is_approved=is_approved)


def _open(pull: PullRequest) -> PullRequest:
    if pull.state != State.OPEN:
        raise Conflict("pull_request_ended", f"Pull request {pull.number} is {pull.state}.", hint="Open another one.")
    return pull
