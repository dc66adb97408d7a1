"""Telling a host what the specs of a commit are worth: a push made there cannot be refused, but its commit gets a status.

Where CANON.yaml asks for the check (`specs.check_pushes`), the newest commit of every branch that moved and of every pull request gets one.
"""

import logging
from pathlib import Path
from urllib.parse import quote

from canonry.core.errors import CanonryError, NotFound, Unavailable
from canonry.features.git.contents import Author, is_checked, list_branches, merge, merge_base, verdict_on
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import service, store
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.models import Repository
from canonry.infra.git import run_git
from canonry.ports.git_host import CommitStatus, PullState, ReportState
from canonry.ports.git_host import Repository as AtHost
from canonry.specs.landing import Update, Verdict

CONTEXT = "canonry/specs"
_log = logging.getLogger(__name__)


def tell_branches(context: Context, repository_id: str) -> None:
    """Set the status of every branch that moved since the last look; at the first look only the default branch's.

    Raises: Unavailable `git_host_unreachable`; what was told until then is not told again.
    """
    if (found := _found(context, repository_id)) is None:
        return
    repository, at = found
    folder = hosted_repository(context.home, repository.folder)
    try:
        heads = list_branches(folder)
    except NotFound:  # nothing was fetched yet
        return
    with context.transactions.begin() as tx:
        told = store.told_branches(tx, repository_id)
        store.forget_told(tx, repository_id, [branch for branch in told if branch not in heads])
        if not told:
            store.note_told(tx, repository_id, {name: commit for name, commit in heads.items() if name != repository.default_branch})
            heads = {name: commit for name, commit in heads.items() if name == repository.default_branch}
    for branch, commit in heads.items():
        if told.get(branch) == commit or repository.default_branch not in heads:
            continue
        if branch == repository.default_branch:
            verdict = _of_default(folder, commit, told.get(branch))
        else:
            verdict = _of_branch(folder, repository.default_branch, commit)
        _tell(context, repository, at, commit, verdict)
        with context.transactions.begin() as tx:
            store.note_told(tx, repository_id, {branch: commit})


def tell_pull(context: Context, repository_id: str, number: int) -> None:
    """Set the status of the newest commit of an open pull request: what it would bring to its base.

    Raises: as the port and `service.bring`.
    """
    if (found := _found(context, repository_id)) is None:
        return
    repository, at = found
    try:
        pull = service.host_of(context).pull(at, number)
        if pull.state is not PullState.OPEN:
            return
        repository = service.bring(context, repository, also=[f"refs/pull/{number}/head"])
        folder = hosted_repository(context.home, repository.folder)
        verdict = _of_branch(folder, pull.base, pull.head_commit, is_default=pull.base == repository.default_branch)
    except NotFound:  # it is gone, or moved on meanwhile, which is told as well
        return
    _tell(context, repository, at, pull.head_commit, verdict)


def _found(context: Context, repository_id: str) -> tuple[Repository, AtHost] | None:
    """Return a repository and what we act with there; None when there is nothing to tell."""
    try:
        with context.transactions.begin() as tx:
            found = repositories.get_any(tx, repository_id)
            at = service.at_host(tx, context, found)
    except NotFound:
        return None
    is_open = found.is_elsewhere and not found.is_removed and not found.is_suspended
    return (found, at) if is_open and service.host_of(context).may_act(at) else None


def _of_default(folder: Path, commit: str, before: str | None) -> Verdict | None:
    """Return what came to the default branch. before: where it was at the last look; then, or if that is gone, since the parent."""
    before = before if before is not None and _has(folder, before) else _parent(folder, commit)
    return verdict_on(folder, Update(before, commit, before, is_default=True))


def _of_branch(folder: Path, base: str, commit: str, *, is_default: bool = True) -> Verdict | None:
    """Return what a merge into the base would bring; of what cannot be merged, what it has since it left the base.

    Raises: NotFound `ref_not_found`.
    """
    if not is_checked(folder, commit) and not is_checked(folder, base):
        return None  # what a merge brings would ask for nothing either
    verdicts = list[Verdict | None]()

    def look(before: str | None, after: str) -> None:
        verdicts.append(verdict_on(folder, Update(before, after, before, is_default)))

    merge(folder, base, commit, Author("Canonry", "canonry@localhost"), "", dry=True, check=look)
    if verdicts:
        return verdicts[0]
    return verdict_on(folder, Update(None, commit, merge_base(folder, base, commit) or _parent(folder, commit), is_default=False))


def _tell(context: Context, repository: Repository, at: AtHost, commit: str, verdict: Verdict | None) -> None:
    """Set the status. That we may not, or that the host has no such commit any more, is logged: telling it again would not help."""
    if verdict is None:
        return
    try:
        service.host_of(context).set_status(at, _status(context, repository, commit, verdict))
    except Unavailable:
        raise
    except CanonryError as error:
        _log.warning("the status of %s at %s: %s", commit[:12], repository.full_name, error)


def _status(context: Context, repository: Repository, commit: str, verdict: Verdict) -> CommitStatus:
    errors = [(path, item) for path, item in verdict.found if verdict.weighs(item) == "error"]
    specs = _counted(verdict.checked, "changed spec")
    if not errors:
        warnings = f"{_counted(len(verdict.found), 'warning')} in {specs}" if verdict.found else f"No errors in {specs}"
        return CommitStatus(commit=commit, state=ReportState.SUCCESS, context=CONTEXT, url="", description=f"{warnings}.")
    path, first = errors[0]
    there = f"{context.settings.github_url.rstrip('/')}/{repository.full_name}/blob/{commit}/{quote(path)}?plain=1#L{first.line}"
    words = f"{_counted(len(errors), 'error')}; {path}:{first.line}: {first.message}"
    return CommitStatus(commit=commit, state=ReportState.FAILURE, context=CONTEXT, url=there, description=words)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _has(folder: Path, commit: str) -> bool:
    return run_git([f"--git-dir={folder}", "cat-file", "-e", f"{commit}^{{commit}}"]).code == 0


def _parent(folder: Path, commit: str) -> str | None:
    result = run_git([f"--git-dir={folder}", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^1"])
    lines = result.out.decode("ascii", "replace").split()
    return lines[-1] if result.code == 0 and lines else None
