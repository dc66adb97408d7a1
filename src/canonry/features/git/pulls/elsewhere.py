"""Pull requests of repositories that live at a host: asked there each time, compared on the copy that lies here."""

from canonry.core.access import Actor
from canonry.features.git.contents import Author, spec_check
from canonry.features.git.contents import merge as merge_branches
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import service as elsewhere
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.pulls.models import PullRequest, Review, State, Verdict
from canonry.features.git.repositories.models import Repository
from canonry.ports.git_host import HostPull, PullState
from canonry.ports.git_host import Repository as AtHost


def open_one(context: Context, actor: Actor, repository: Repository, *, head: str, base: str, title: str, body: str) -> PullRequest:
    """Open one, as the person."""
    at = elsewhere.acting(context, actor, repository)
    return _pull(repository, elsewhere.host_of(context).open_pull(at, head=head, base=base, title=title, body=body))


def page(context: Context, repository: Repository, state: State | None) -> list[PullRequest]:
    """Return the newest."""
    wanted = None if state is None else PullState(state)
    return [_pull(repository, found) for found in elsewhere.host_of(context).pulls(_ours(context, repository), wanted)]


def get(context: Context, repository: Repository, number: int) -> PullRequest:
    """Return one."""
    return _pull(repository, elsewhere.host_of(context).pull(_ours(context, repository), number))


def reviews_of(context: Context, repository: Repository, number: int) -> list[Review]:
    """Return what was said of it."""
    found = elsewhere.host_of(context).reviews(_ours(context, repository), number)
    return [Review(item.user, Verdict(item.verdict), item.body, item.commit, item.created_at) for item in found]


def bring(context: Context, repository: Repository, number: int) -> None:
    """Fetch what it is made of: its branch may lie in somebody's fork."""
    elsewhere.bring(context, repository, also=[f"refs/pull/{number}/head"])


def review(context: Context, actor: Actor, repository: Repository, number: int, *, verdict: Verdict, body: str, commit: str) -> None:
    """Say what the person thinks of it."""
    at = elsewhere.acting(context, actor, repository)
    elsewhere.host_of(context).review(at, number, verdict=str(verdict), body=body, commit=commit)


def check_merge(context: Context, repository: Repository, pull: PullRequest, *, head: str | None) -> str | None:
    """Return the commit that may be merged: what the merge would bring has passed the check that CANON.yaml asks for.

    head: the commit that was looked at; whether it is the newest one and fits is for the host to say. Raises: Invalid `specs_refused`;
    NotFound `ref_not_found` (the base is gone); as `elsewhere.bring`.
    """
    if pull.head_commit is None or head not in {None, pull.head_commit}:
        return head
    repository = elsewhere.bring(context, repository, also=[f"refs/pull/{pull.number}/head"])
    bare = hosted_repository(context.home, repository.folder)
    check = spec_check(bare, is_default=pull.base == repository.default_branch)
    merge_branches(bare, pull.base, pull.head_commit, Author("Canonry", "canonry@localhost"), "", dry=True, check=check)
    return pull.head_commit


def merge(context: Context, actor: Actor, repository: Repository, pull: PullRequest, *, head: str | None) -> str:
    """Merge it, as the person; return the commit."""
    at = elsewhere.acting(context, actor, repository)
    merged = elsewhere.host_of(context).merge_pull(at, pull.number, head=head, title=f"Merge #{pull.number}: {pull.title}")
    elsewhere.bring_or_later(context, repository)
    return merged


def close(context: Context, actor: Actor, repository: Repository, number: int) -> None:
    """Close it, as the person."""
    elsewhere.host_of(context).close_pull(elsewhere.acting(context, actor, repository), number)


def _ours(context: Context, repository: Repository) -> AtHost:
    with context.transactions.begin() as tx:
        return elsewhere.at_host(tx, context, repository)


def _pull(repository: Repository, found: HostPull) -> PullRequest:
    return PullRequest(
        repository.id, found.number, found.title, found.body, found.head, found.base, State(found.state), found.created_by,
        found.created_at, found.head_commit, found.merge_commit, found.ended_by, found.ended_at,
    )  # fmt: skip
