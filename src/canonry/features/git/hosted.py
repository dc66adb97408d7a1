"""Repositories that Canonry hosts: one bare repository for each project, made at the first push."""

import fcntl
import os
import re
import secrets
from pathlib import Path

from canonry.core.errors import Conflict, NotFound, Unavailable
from canonry.core.paths import Home
from canonry.core.refs import Ref, parse_branch, parse_ref
from canonry.features.git.leftovers import remove_leftovers
from canonry.features.git.models import Commit
from canonry.features.git.objects import open_objects
from canonry.infra.files import remove_tree, write_atomic
from canonry.infra.git import run_git

_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def hosted_repository(home: Home, project_id: str) -> Path:
    """Return where the project's own repository lies, whether it exists or not."""
    if not _PROJECT_ID.fullmatch(project_id):
        raise NotFound("project_not_found", f"There is no project {project_id!r}.")
    return home.repositories / f"{project_id}.git"


def resolve_hosted(home: Home, project_id: str, ref: str) -> Commit:
    """Return the commit that a branch, tag or commit id means in the project's own repository.

    Raises: Invalid `invalid_ref`; NotFound `no_repository` (nothing was ever pushed), `ref_not_found`.
    """
    wanted = parse_ref(ref)
    repository = hosted_repository(home, project_id)
    if not repository.is_dir():
        raise NotFound("no_repository", "Nothing was pushed to this project's repository yet.", hint="Push to it: git push canonry main")
    if commit := find_commit(repository, wanted):
        return commit
    raise NotFound("ref_not_found", f"The project's repository has no branch, tag or commit {wanted.name!r}.",
                   hint="Push it first, or name one that `git ls-remote` shows.")  # fmt: skip


def branch_exists(home: Home, project_id: str, branch: str) -> bool:
    """Say whether the project's own repository has that branch. Raises: Invalid `invalid_ref`."""
    return head_of(home, project_id, branch) is not None


def head_of(home: Home, project_id: str, branch: str) -> Commit | None:
    """Return the newest commit of a branch in the project's own repository, None when there is no such branch or repository.

    Raises: Invalid `invalid_ref`.
    """
    name = parse_branch(branch)
    repository = hosted_repository(home, project_id)
    if not repository.is_dir():
        return None
    with open_objects(repository) as objects:
        return objects.commit(f"refs/heads/{name}")


def quick_head(repository: Path, branch: str) -> str | None:
    """Return the commit id of a branch without starting git, None when there is none: for looking at many repositories often.

    Raises: Invalid `invalid_ref`.
    """
    name = f"refs/heads/{parse_branch(branch)}"
    try:
        return (repository / name).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        pass
    try:
        lines = (repository / "packed-refs").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {name}")), None)


def remove_repository(home: Home, project_id: str) -> None:
    """Delete the project's own repository and its private mirrors; none is no error. Raises: Conflict `push_in_progress`."""
    for mirror in home.mirrors.glob(f"{project_id}-*"):
        remove_tree(mirror)
    repository = hosted_repository(home, project_id)
    lock = _lock_path(repository)
    if not lock.parent.is_dir():
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock_exclusively(descriptor)
        remove_tree(repository)
        lock.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def require_no_push(home: Home, project_id: str) -> None:
    """Return when nobody pushes to the repository just now. Raises: Conflict `push_in_progress`."""
    try:
        descriptor = os.open(_lock_path(hosted_repository(home, project_id)), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _lock_exclusively(descriptor)
    finally:
        os.close(descriptor)


def ensure_hosted(home: Home, project_id: str, branch: str) -> Path:
    """Return the project's own repository, made when there is none, with HEAD at `branch`. Raises: Invalid `invalid_ref`."""
    repository = hosted_repository(home, project_id)
    head = f"ref: refs/heads/{parse_branch(branch)}\n"
    if not repository.is_dir():
        init_bare(repository)
    if (repository / "HEAD").read_text() != head:
        write_atomic(repository / "HEAD", head)
    return repository


def init_bare(repository: Path) -> None:
    """Make an empty bare repository; whole or not at all. One that somebody made meanwhile is kept. Raises: Unavailable."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    temporary = repository.with_name(f".{repository.name}.{secrets.token_hex(6)}.tmp")
    result = run_git(["init", "--quiet", "--bare", "--template=", "-b", "main", "--", str(temporary)])
    if result.code != 0:
        remove_tree(temporary)
        raise Unavailable("repository_not_made", f"git could not make a repository: {result.err}", hint="`canonry doctor` checks the disk.")
    try:
        temporary.rename(repository)
    except OSError:
        remove_tree(temporary)
        if not repository.is_dir():
            raise


def find_commit(repository: Path, ref: Ref) -> Commit | None:
    """Return the commit that `ref` means in a repository on this disk: a full id, else branch, tag, beginning of an id."""
    names = [ref.commit] if ref.commit else [*ref.full_names, *([ref.name.lower()] if ref.may_be_short_commit else [])]
    with open_objects(repository) as objects:
        return next((commit for name in names if (commit := objects.commit(name))), None)


def hold_for_push(repository: Path) -> int:
    """Hold the repository for one push and return the lock's descriptor, for git to inherit; closing it everywhere ends the hold.

    Many may hold it at once. When nobody else does, what a killed push left behind is removed first.
    """
    descriptor = os.open(_lock_path(repository), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_leftovers(repository)
    except BlockingIOError:
        pass  # others are pushing: what lies there is theirs
    except BaseException:
        os.close(descriptor)
        raise
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _lock_path(repository: Path) -> Path:
    return repository.with_suffix(".lock")


def _lock_exclusively(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Conflict("push_in_progress", "Somebody is pushing to this repository just now.", hint="Try again in a moment.") from error
