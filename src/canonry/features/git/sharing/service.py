"""Use cases: whose code comes from which repository, and what keeps a repository from being deleted."""

from canonry.core.access import Actor
from canonry.core.errors import Invalid, Issue, NotFound
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.repositories import store as repositories
from canonry.features.git.repositories.models import Repository
from canonry.features.git.sharing import store
from canonry.features.git.sharing.models import Link, Member
from canonry.features.projects import Project
from canonry.infra.tx import Tx


def hosted_at(tx: Tx, actor: Actor, project: Project, address: str, settings: Settings) -> Repository | None:
    """Return the repository here that an address means (`owner/name`, or what it is cloned from), None when it means one elsewhere.

    The project's own repository is not meant: its code comes from there without being connected.
    Raises: NotFound `repository_not_found` for an address of ours behind which is nothing.
    """
    ours = f"{settings.own_url}/git/"
    name = address.strip().removeprefix(ours).removesuffix("/").removesuffix(".git")
    owner, slash, rest = name.partition("/")
    found = None
    if slash and "/" not in rest and owner.lower() == actor.organization_handle.lower() and "\0" not in name:
        found = repositories.find(tx, actor.organization_id, rest, owner)
    is_known = found is not None and not found.is_elsewhere and (actor.project_id is None or actor.project_id == found.project_id)
    is_own = found is not None and (found.project_id == project.id or (found.project_id is None and found.name == project.slug))
    if address.strip().startswith(ours) and (not is_known or is_own):
        raise _not_to_connect(name, project, is_own=is_own)
    return found if is_known and not is_own else None


def link(tx: Tx, project: Project, repository: Repository, *, auto_deploy: bool) -> None:
    """Let a project be deployed from a repository of its organization. Raises: NotFound `repository_not_found` (deleted meanwhile)."""
    if not store.save(tx, project.id, repository.id, auto_deploy=auto_deploy):
        raise NotFound("repository_not_found", f"There is no repository {repository.full_name}.", hint="`canonry repos ls` lists yours.")


def link_of(tx: Tx, project: Project) -> Link | None:
    """Return the link of a project; None when it has none, or is connected to an outside repository."""
    return store.find(tx, project.id) if project.repo_url is None else None


def is_shared(tx: Tx, repository_id: str) -> bool:
    """Say whether a push to the repository concerns more than the project it belongs to."""
    return store.is_shared(tx, repository_id)


def members(tx: Tx, repository_id: str) -> list[Member]:
    """Return the projects that a repository deploys, by slug."""
    return store.members(tx, repository_id)


def source_of(tx: Tx, home: Home, project: Project) -> dict[str, str] | None:
    """Return what a deployment keeps of where it reads a project's hosted code; None when nothing of it lies here.

    `repository` names the one that the project is linked to; without it the project's own is meant.
    """
    if (found := link_of(tx, project)) is not None:
        return {"kind": "hosted", "repository": found.repository_id}
    return {"kind": "hosted"} if hosted_repository(home, project.id).exists() else None


def folder_of(tx: Tx, project_id: str, repository_id: str | None) -> str:
    """Return under which name a deployment's repository lies on the disk. Raises: NotFound `repository_not_found`."""
    if repository_id is None:
        return project_id
    found = repositories.get(tx, repository_id)
    if found is None:
        raise NotFound("repository_not_found", "The repository this was deployed from is deleted.", hint="Connect the project again.")
    return found.folder


def _not_to_connect(name: str, project: Project, *, is_own: bool) -> Exception:
    if is_own:
        return Invalid("own_repository", f"{name} is the repository of {project.slug} itself: a push to it is deployed already.",
                       hint="Connect nothing, or name another repository.",
                       issues=[Issue("body.repo", "is the project's own", "own")])  # fmt: skip
    return NotFound("repository_not_found", f"There is no repository {name!r} here.", hint="`canonry repos ls` lists yours.")
