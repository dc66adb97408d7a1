"""Background entry points: each takes the container and ids."""

from canonry.features import git
from canonry.features.specs import approvals, indexing
from canonry.features.specs.context import Context
from canonry.features.specs.store import words


def index(context: Context, repository_id: str, **_rest: object) -> None:
    """Bring the index of a repository up to its newest announced commit."""
    indexing.run(context, repository_id)


def approve(context: git.Context, repository_id: str, number: int, action: str = "merged", **_rest: object) -> None:
    """Mark the specs of a merged pull request as approved, when it was. action: what became of it."""
    if action == "merged":
        approvals.approve(context, repository_id, number)


def forget_words(context: Context, organization_id: str, **_rest: object) -> None:
    """Forget the words that stand in no document of an organization any more."""
    with context.transactions.begin() as tx:
        words.forget_unused(tx, organization_id)
