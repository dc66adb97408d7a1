"""One front door to writing: a file, a branch, wherever the repository lives."""

from dataclasses import dataclass

from canonry.core.access import Actor
from canonry.core.errors import Conflict, NotFound
from canonry.core.file_paths import parse_file_path
from canonry.core.refs import parse_branch
from canonry.features.git.contents import (
    Author,
    File,
    Written,
    commit_files,
    content_at,
    create_branch,
    delete_branch,
    file_at,
    list_branches,
    may_be_checked,
    spec_check,
)
from canonry.features.git.contents.models import StaleFile, blob_id
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import service as elsewhere
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.repositories.models import Repository
from canonry.ports.git_host import FileWrite
from canonry.ports.git_host import Repository as AtHost

_TRIES = 3  # pushes to other files of the branch may come in between


@dataclass(frozen=True)
class Save:
    """A commit to one file. content: None takes it away. sha: the blob it was made from, None for a file that is new."""

    branch: str
    path: str
    content: bytes | None
    sha: str | None
    author: Author
    message: str


def save_file(context: Context, repository: Repository, save: Save, *, by: Actor | None) -> Written:
    """Commit one file to a branch. by: the person, None for Canonry itself. What is equal already makes no commit.

    What a person writes is checked when CANON.yaml asks for it, before it is sent to a host; what Canonry itself writes is marks in specs
    that may have had errors before. The caller announces it (`note_commit`). Raises: StaleFile (`stale_file`); Invalid `invalid_path`,
    `path_taken`, `specs_refused`; NotFound
    `ref_not_found`, `no_repository`; Conflict `branch_busy`, `host_refuses`; of one at a host also Unauthenticated `no_git_identity`,
    and what the port says.
    """
    if not repository.is_elsewhere:
        folder = hosted_repository(context.home, repository.folder)
        check = spec_check(folder, is_default=save.branch == repository.default_branch) if by is not None else None
        return commit_files(folder, save.branch, {save.path: (save.content, save.sha)}, save.author, save.message, check)
    at = _at(context, repository, by)
    if by is not None:
        repository = _checked(context, repository, save)
    return _save_at_host(context, repository, save, at)


def start_branch(context: Context, repository: Repository, branch: str, *, by: Actor) -> None:
    """Make a branch where the default branch stands. Raises: Conflict `branch_exists`; NotFound `ref_not_found`; Invalid `invalid_ref`."""
    folder = hosted_repository(context.home, repository.folder)
    if not repository.is_elsewhere:
        create_branch(folder, branch, repository.default_branch)
        return
    branch, at = parse_branch(branch), _at(context, repository, by)
    repository = elsewhere.bring(context, repository)
    head = list_branches(folder).get(repository.default_branch)
    if head is None:
        raise NotFound("ref_not_found", f"{repository.full_name} has no branch yet.", hint="Push a first commit to it.")
    elsewhere.host_of(context).create_branch(at, branch, head)
    elsewhere.bring_or_later(context, repository)


def drop_branch(context: Context, repository: Repository, branch: str, *, by: Actor) -> None:
    """Remove a branch; none is no error."""
    if not repository.is_elsewhere:
        delete_branch(hosted_repository(context.home, repository.folder), branch)
        return
    elsewhere.host_of(context).delete_branch(_at(context, repository, by), branch)


def _save_at_host(context: Context, repository: Repository, save: Save, at: AtHost) -> Written:
    path, folder = parse_file_path(save.path), hosted_repository(context.home, repository.folder)
    if save.content is not None and save.sha == blob_id(save.content):
        repository = elsewhere.bring(context, repository)
        if (found := _there(context, repository, save.branch, path)) is not None and found.sha == save.sha:
            return Written(found.commit, found.commit, {path: found.sha})
    change = FileWrite(save.branch, path, save.content, save.sha, save.message, save.author.plain_name, save.author.plain_email)
    last: Conflict | None = None
    for _ in range(_TRIES):
        before = list_branches(folder).get(save.branch) if folder.is_dir() else None
        try:
            done = elsewhere.host_of(context).write_file(at, change)
        except Conflict as error:
            repository, last = elsewhere.bring(context, repository), error
            found = _there(context, repository, save.branch, path)
            if (found.sha if found else None) != save.sha:
                raise StaleFile(path, found) from error
        else:
            elsewhere.bring_or_later(context, repository)
            return Written(done.commit, before, {path: done.sha})
    said = last.message if last else ""
    raise Conflict("host_refuses", f"GitHub takes no commit to {save.branch}: {said}", hint="Try again, or propose it as a pull request.")


def _checked(context: Context, repository: Repository, save: Save) -> Repository:
    """Return the repository when what is to be sent to its host passes the check, upon what is there now. Raises: as `save_file`."""
    path, folder = parse_file_path(save.path), hosted_repository(context.home, repository.folder)
    head = list_branches(folder).get(save.branch) if folder.is_dir() else None
    if head is not None and not may_be_checked(folder, head, path):
        return repository
    repository = elsewhere.bring(context, repository)
    check = spec_check(folder, is_default=save.branch == repository.default_branch)
    commit_files(folder, save.branch, {path: (save.content, save.sha)}, save.author, save.message, check, dry=True)
    return repository


def _there(context: Context, repository: Repository, branch: str, path: str) -> File | None:
    """Return the file as it was fetched, None when there is none."""
    folder = hosted_repository(context.home, repository.folder)
    return file_at(folder, branch, path) if content_at(folder, branch, path) is not None else None


def _at(context: Context, repository: Repository, by: Actor | None) -> AtHost:
    if by is not None:
        return elsewhere.acting(context, by, repository)
    with context.transactions.begin() as tx:
        return elsewhere.at_host(tx, context, repository)
