"""Use cases around pull requests of repositories that lie here.

What git does happens outside of transactions; the row is written afterwards. A merge that was killed in between is found by the next look:
a branch that its base contains already is merged by noting it.
"""

from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.paths import Home
from canonry.core.refs import parse_branch
from canonry.features import accounts
from canonry.features.git.contents import Author, changes, list_branches, merge, merge_base, spec_check
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.pulls import store
from canonry.features.git.pulls.events import PullRequestClosed, PullRequestMerged, PullRequestOpened, PullRequestReviewed
from canonry.features.git.pulls.models import Comparison, PullRequest, Review, State, Verdict
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.models import Repository
from canonry.infra.git import GitRun, run_git
from canonry.infra.tx import Transactions, Tx

_MOST_COMMITS = 250
_LARGEST_DIFF = 2 << 20  # bytes


def open_one(
    transactions: Transactions, actor: Actor, home: Home, repository: Repository, *, head: str, base: str | None, title: str, body: str = ""
) -> PullRequest:
    """Open a pull request. base: the default branch when absent.

    Raises: Invalid `invalid_ref`, `same_branch`; NotFound `ref_not_found`, `no_repository`; Conflict `pull_request_exists`,
    `nothing_to_merge`.
    """
    require(actor, Permission.SPECS_WRITE)
    head, base = parse_branch(head), parse_branch(base or repository.default_branch)
    if head == base:
        raise Invalid("same_branch", f"{head} cannot be merged into itself.", hint="Name another branch.",
                      issues=[Issue("body.head", "is the base", "branch")])  # fmt: skip
    heads = list_branches(hosted_repository(home, repository.folder))
    for name in (head, base):
        if name not in heads:
            raise NotFound("ref_not_found", f"{repository.full_name} has no branch {name!r}.", hint="Push it first.")
    if merge_base(hosted_repository(home, repository.folder), base, head) == heads[head]:
        raise Conflict("nothing_to_merge", f"{base} has everything that {head} has.", hint="Commit something to it first.")
    with transactions.begin() as tx:
        number = store.insert(tx, repository.id, title=title, body=body, head=head, base=base, user_id=actor.user_id)
        if number is None:
            raise Conflict(
                "pull_request_exists", f"There is an open pull request from {head} into {base} already.", hint="Push to that branch."
            )
        tx.emit(PullRequestOpened(repository.organization_id, repository.id, number), after={"title": title, "head": head, "base": base})
        return get(tx, repository, number)


def get(tx: Tx, repository: Repository, number: int) -> PullRequest:
    """Return one. Raises: NotFound `pull_request_not_found`."""
    found = store.find(tx, repository.id, number)
    if found is None:
        raise NotFound(
            "pull_request_not_found", f"{repository.full_name} has no pull request {number}.", hint="`canonry pulls ls` lists them."
        )
    return found


def page(tx: Tx, repository: Repository, state: State | None) -> list[PullRequest]:
    """Return the newest pull requests of a repository."""
    return store.page(tx, repository.id, state)


def reviews_of(tx: Tx, pull: PullRequest) -> list[Review]:
    """Return what was said of it, oldest first."""
    return store.reviews(tx, pull)


def compare(home: Home, repository: Repository, pull: PullRequest) -> Comparison | None:
    """Return what it brings, or brought; None when its branches are gone."""
    bare = hosted_repository(home, repository.folder)
    heads = list_branches(bare)
    head = pull.head_commit or heads.get(pull.head)
    base = heads.get(pull.base)
    if pull.state == State.MERGED and pull.merge_commit is not None:
        base = f"{pull.merge_commit}^1"
    if head is None or base is None:
        return None
    base = _resolved(bare, base)
    log = run_git(
        [f"--git-dir={bare}", "log", f"--max-count={_MOST_COMMITS}", "--reverse", "-z", "--format=%H%x01%s%x01%an", f"{base}..{head}", "--"]
    )
    commits = tuple(_commit(line) for line in log.out.split(b"\0") if line)
    start = merge_base(bare, base, head)
    files = tuple(change.path for change in changes(bare, start, head)) if start != head else ()
    conflicts = () if pull.state != State.OPEN else merge(bare, pull.base, head, _nobody(), "", dry=True).conflicts
    return Comparison(head, base, commits, files, conflicts)


def diff(home: Home, repository: Repository, compared: Comparison) -> str:
    """Return it as a unified diff, cut at 2 MiB. Raises: Unavailable `git_timeout`."""
    bare = hosted_repository(home, repository.folder)
    argv = [f"--git-dir={bare}", "-c", "core.quotePath=false", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--merge-base",
            compared.base_commit, compared.head_commit, "--"]  # fmt: skip
    return run_git(argv, GitRun(timeout=30, most_output=_LARGEST_DIFF)).out.decode(errors="replace")


def review(tx: Tx, actor: Actor, repository: Repository, number: int, *, verdict: Verdict, body: str, commit: str) -> PullRequest:
    """Say what one thinks of its newest commit. Raises: NotFound; Conflict `pull_request_ended`; Invalid `empty_review`."""
    require(actor, Permission.SPECS_WRITE)
    pull = _open(get(tx, repository, number))
    check_review(verdict, body)
    store.insert_review(tx, pull, user_id=actor.user_id, verdict=verdict, body=body, commit=commit)
    tx.emit(PullRequestReviewed(repository.organization_id, repository.id, number), after={"verdict": str(verdict), "commit": commit})
    return pull


def check_review(verdict: Verdict, body: str) -> None:
    """Return when a review says something. Raises: Invalid `empty_review`."""
    if verdict is Verdict.COMMENTED and not body.strip():
        raise Invalid("empty_review", "A comment needs words.", hint="Write some.", issues=[Issue("body.body", "is empty", "required")])


def merge_one(
    transactions: Transactions, actor: Actor, home: Home, repository: Repository, number: int, *, head: str | None = None
) -> PullRequest:
    """Merge it by a merge commit. head: the commit that was looked at; a branch that moved since is refused.

    Raises: NotFound `pull_request_not_found`, `ref_not_found`; Conflict `pull_request_ended`, `head_moved`, `merge_conflict`,
    `branch_busy`; Invalid `specs_refused`.
    """
    require(actor, Permission.SPECS_WRITE)
    with transactions.begin() as tx:
        pull = _open(get(tx, repository, number))
        author = author_of(tx, actor)
    bare = hosted_repository(home, repository.folder)
    stands = list_branches(bare).get(pull.head)
    if stands is None:
        raise NotFound("ref_not_found", f"The branch {pull.head} is gone.", hint="Push it again, or close the pull request.")
    if head is not None and head != stands:
        raise Conflict(
            "head_moved", f"{pull.head} has moved on to {stands[:12]} since you looked.", hint="Look at what is new, then merge."
        )
    merged = merge(bare, pull.base, stands, author, f"Merge #{pull.number}: {pull.title}\n",
                   check=spec_check(bare, is_default=pull.base == repository.default_branch))  # fmt: skip
    if merged.conflicts:
        raise Conflict("merge_conflict", f"{pull.head} and {pull.base} both changed {', '.join(merged.conflicts[:10])}.",
                       hint=f"Merge {pull.base} into {pull.head}, solve the conflicts, push.")  # fmt: skip
    with transactions.begin() as tx:
        if store.end(tx, pull, State.MERGED, head=stands, merge=merged.commit, user_id=actor.user_id):
            repositories.note_commit(tx, repository, pull.base, merged.commit)
            tx.emit(PullRequestMerged(repository.organization_id, repository.id, number), before={"commit": merged.before},
                    after={"commit": merged.commit, "base": pull.base})  # fmt: skip
        return get(tx, repository, number)


def close(transactions: Transactions, actor: Actor, home: Home, repository: Repository, number: int) -> PullRequest:
    """Close it without merging. Raises: NotFound; Conflict `pull_request_ended`."""
    require(actor, Permission.SPECS_WRITE)
    with transactions.begin() as tx:
        pull = _open(get(tx, repository, number))
    head = list_branches(hosted_repository(home, repository.folder)).get(pull.head)
    with transactions.begin() as tx:
        if not store.end(tx, pull, State.CLOSED, head=head, merge=None, user_id=actor.user_id):
            _open(get(tx, repository, number))  # somebody was quicker
        tx.emit(PullRequestClosed(repository.organization_id, repository.id, number), before={"state": "open"}, after={"state": "closed"})
        return get(tx, repository, number)


def author_of(tx: Tx, actor: Actor) -> Author:
    """Return the actor as the author of a commit."""
    user = accounts.get_user(tx, actor.user_id)
    return Author(user.name, user.email)


def _open(pull: PullRequest) -> PullRequest:
    if pull.state != State.OPEN:
        raise Conflict("pull_request_ended", f"Pull request {pull.number} is {pull.state}.", hint="Open another one.")
    return pull


def _resolved(bare: Path, name: str) -> str:
    result = run_git([f"--git-dir={bare}", "rev-parse", "--verify", "--quiet", "--end-of-options", name])
    lines = result.out.decode("ascii", "replace").split()
    if result.code != 0 or not lines:
        raise NotFound("ref_not_found", "A commit of this pull request is gone.", hint="Push it again.")
    return lines[-1]


def _commit(line: bytes) -> tuple[str, str, str]:
    sha, subject, author = line.decode(errors="replace").split("\x01", 2)
    return sha.strip(), subject, author


def _nobody() -> Author:
    return Author("Canonry", "canonry@localhost")
