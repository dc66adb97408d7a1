"""Use cases around repositories: make, find, list, look again, delete."""

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Conflict, NotFound
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.refs import parse_branch
from canonry.features import projects
from canonry.features.git.hosted import ensure_hosted, hosted_repository, quick_head, remove_repository, require_no_push
from canonry.features.git.repositories import store
from canonry.features.git.repositories.events import RepositoryCreated, RepositoryDeleted, RepositoryPushed
from canonry.features.git.repositories.models import Repository, check_name
from canonry.features.git.repositories.queue import CLEAR
from canonry.features.projects import Project
from canonry.infra.tx import Transactions, Tx


def find(tx: Tx, actor: Actor, key: str, *, owner: str | None = None) -> Repository:
    """Return the caller's repository by its name or id. owner: what stands before the name, when it was given.

    Raises: NotFound `repository_not_found`, for another organization's as well.
    """
    require(actor, Permission.SPECS_READ)
    found = None if "\0" in key or "\0" in (owner or "") else store.find(tx, actor.organization_id, key, owner)
    if found is None or actor.project_id not in {None, found.project_id}:
        name = key if owner is None else f"{owner}/{key}"
        raise NotFound("repository_not_found", f"There is no repository {name!r}.", hint="`canonry repos ls` lists yours.")
    return found


def page(tx: Tx, actor: Actor) -> list[Repository]:
    """Return the caller's repositories by name."""
    require(actor, Permission.SPECS_READ)
    return store.of_organization(tx, actor.organization_id, only_project=actor.project_id)


def create(transactions: Transactions, actor: Actor, home: Home, *, name: str, description: str = "", branch: str = "main") -> Repository:
    """Make a repository without a project, for specifications; it is there for pushes at once.

    Raises: Invalid `invalid_repository_name`, `invalid_ref`; Conflict `repository_exists`; Denied.
    """
    require(actor, Permission.SPECS_WRITE)
    if actor.project_id is not None:
        raise NotFound("project_not_found", "This credential is bound to one project and can make no repository.")
    check_name(name)
    repository_id, branch = new_id("rep"), parse_branch(branch)
    with transactions.begin() as tx:
        _require_free(tx, actor, name)
    ensure_hosted(home, repository_id, branch)
    try:
        with transactions.begin() as tx:
            _require_free(tx, actor, name)
            if not store.insert(tx, repository_id, actor.organization_id, name=name, description=description, branch=branch):
                raise _taken(name)
            tx.emit(RepositoryCreated(actor.organization_id, repository_id), after={"name": name, "branch": branch})
            return get_any(tx, repository_id)
    except CanonryError:
        remove_repository(home, repository_id)  # one that a crash leaves is empty and found by nobody
        raise


def delete(transactions: Transactions, actor: Actor, home: Home, key: str) -> None:
    """Delete a repository that no project has or uses, with its history.

    Raises: NotFound; Conflict `belongs_to_project`, `repository_in_use`, `push_in_progress`.
    """
    require(actor, Permission.ORG_MANAGE)
    with transactions.begin() as tx:
        found = find(tx, actor, key)
        if found.project_id is not None:
            raise Conflict("belongs_to_project", f"{found.full_name} belongs to the project of that name.", hint="Delete the project.")
        require_unused(tx, found)
        require_no_push(home, found.folder)
        store.delete(tx, found.id)
        tx.enqueue(CLEAR, folder=found.folder)
        tx.emit(RepositoryDeleted(found.organization_id, found.id), before={"name": found.name})


def require_unused(tx: Tx, repository: Repository) -> None:
    """Return when no other project is deployed from a repository. Raises: Conflict `repository_in_use`."""
    if users := store.users(tx, repository.id):
        raise Conflict(
            "repository_in_use", f"The repository {repository.full_name} is what {', '.join(users)} {_are(users)} deployed from.",
            hint=f"Disconnect them first: canonry git disconnect --project {users[0]}",
        )  # fmt: skip


def require_own_unused(tx: Tx, project_id: str) -> None:
    """Return when a project can go with its repository. Raises: Conflict `repository_in_use`."""
    own = store.of_project(tx, project_id)
    if own is not None:
        require_unused(tx, own)


def get_any(tx: Tx, repository_id: str) -> Repository:
    """Return a repository for Canonry's own work. Raises: NotFound `repository_not_found`."""
    found = store.get(tx, repository_id)
    if found is None:
        raise NotFound("repository_not_found", f"There is no repository {repository_id}.")
    return found


def for_project(tx: Tx, home: Home, project: Project) -> Repository:
    """Return the repository of a project that is pushed to; one of that name that had no project becomes the project's."""
    if (found := store.of_project(tx, project.id)) is not None:
        return found
    named = store.find(tx, project.organization_id, project.slug)
    if named is not None and named.project_id is None and not named.is_elsewhere and store.adopt(tx, named.id, project.id):
        there, here = hosted_repository(home, named.id), hosted_repository(home, project.id)
        if there.is_dir() and not here.is_dir():
            there.rename(here)
    else:
        repository_id = new_id("rep")
        if store.insert(tx, repository_id, project.organization_id, name=project.slug, project_id=project.id):
            tx.emit(RepositoryCreated(project.organization_id, repository_id), after={"name": project.slug, "project_id": project.id})
    found = store.of_project(tx, project.id)
    if found is None:
        raise NotFound("project_not_found", f"The project {project.slug} was deleted meanwhile.")
    return found


def look_again(transactions: Transactions, home: Home, repository: Repository) -> bool:
    """Announce where the default branch stands now; say whether it is elsewhere than it was. May be called at any time, by anybody."""
    folder = hosted_repository(home, repository.folder)
    if repository.is_removed or (repository.is_elsewhere and not folder.is_dir()):
        return False  # what has not been fetched yet, or is fetched no more, says nothing
    head = quick_head(folder, repository.default_branch)
    if head == repository.head:
        return False
    with transactions.begin() as tx:
        if not store.set_head(tx, repository.id, repository.head, head):
            return False  # whoever was quicker announced it, or the repository is gone
        tx.emit(RepositoryPushed(repository.organization_id, repository.id), before={"commit": repository.head},
                after={"commit": head, "branch": repository.default_branch})  # fmt: skip
    return True


def note_commit(tx: Tx, repository: Repository, branch: str, commit: str | None) -> None:
    """Remember that we moved a branch, which the event of what did it announces; other branches than the default one are not followed.

    Of a repository elsewhere the fetch that follows says where it stands.
    """
    if not repository.is_elsewhere and branch == repository.default_branch:
        store.move_head(tx, repository.id, commit)


def look_at_all(transactions: Transactions, home: Home) -> None:
    """Mend what a crash left: repositories on the disk that have no row get one, and each push that nobody announced is announced."""
    folders = [path.stem for path in home.repositories.glob("prj_*.git")]
    with transactions.begin() as tx:
        for project_id, organization_id, slug in store.projects_without(tx, folders):
            store.insert(tx, new_id("rep"), organization_id, name=slug, project_id=project_id)
        repositories = store.every(tx)
    for repository in repositories:
        look_again(transactions, home, repository)


def is_taken(tx: Tx, organization_id: str, name: str, handle: str) -> bool:
    """Say whether a repository of this name lies here."""
    found = store.find(tx, organization_id, name, handle)
    return found is not None and not found.is_elsewhere


def _require_free(tx: Tx, actor: Actor, name: str) -> None:
    if store.find(tx, actor.organization_id, name, actor.organization_handle) is not None or _is_project(tx, actor, name):
        raise _taken(name)


def _taken(name: str) -> Conflict:
    return Conflict("repository_exists", f"There is a repository, or a project, {name!r} already.", hint="Choose another name.")


def _is_project(tx: Tx, actor: Actor, name: str) -> bool:
    try:
        projects.find(tx, actor, name)
    except NotFound:
        return False
    return True


def _are(users: list[str]) -> str:
    return "is" if len(users) == 1 else "are"
