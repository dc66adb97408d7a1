"""A merged pull request that was approved makes the specs it touched `review_status: approved`."""

import logging

from canonry.core.errors import CanonryError, NotFound
from canonry.features import git
from canonry.features.specs.configured import configured
from canonry.features.specs.events import SpecApproved
from canonry.specs.edits import set_field
from canonry.specs.parser import parse

_log = logging.getLogger(__name__)
_TRIES = 3
_AUTHOR = git.Author("Canonry", "canonry@localhost")
OURS = "canon/"
"""What the branches of Canonry's own begin with: what they bring was written here, so it is not reviewed by being merged."""


def approve(context: git.Context, repository_id: str, number: int) -> None:
    """Write it into each spec, one commit each. Harmless twice, and when the pull request is not merged, or not approved."""
    try:
        with context.transactions.begin() as tx:
            repository = git.get_repository(tx, repository_id)
    except NotFound:
        return
    outcome = git.outcome_of_pull(context, repository, number)
    wanted = outcome.is_merged and outcome.is_approved and outcome.base == repository.default_branch
    if repository.is_removed or not wanted or outcome.head.startswith(OURS):
        return
    folder = git.hosted_repository(context.home, repository.folder)
    config = configured(folder, repository.default_branch)
    for path in outcome.files:
        if config.is_spec(path):
            try:
                _approve(context, repository, number, path)
            except CanonryError as error:
                if error.code == "database_unavailable":
                    raise
                _log.warning("%s of %s is not marked as approved: %s", path, repository.full_name, error)


def _approve(context: git.Context, repository: git.Repository, number: int, path: str) -> None:
    folder = git.hosted_repository(context.home, repository.folder)
    for tries in range(_TRIES):
        if git.content_at(folder, repository.default_branch, path) is None:
            return
        file = git.file_at(folder, repository.default_branch, path)
        before = parse(file.content).frontmatter.review_status
        if before == "approved":
            return
        message = f"chore(canon): mark {path} as approved\n\nIts pull request #{number} was approved and merged.\n"
        content = set_field(file.content, "review_status", "approved")
        save = git.Save(repository.default_branch, path, content, file.sha, _AUTHOR, message)
        try:
            written = git.save_file(context, repository, save, by=None)
        except git.StaleFile:
            if tries + 1 == _TRIES:
                raise
            continue
        with context.transactions.begin() as tx:
            git.note_commit(tx, repository, repository.default_branch, written.commit)
            tx.emit(SpecApproved(repository.organization_id, repository.id, number), before={"review_status": before},
                    after={"path": path, "commit": written.commit})  # fmt: skip
        return
