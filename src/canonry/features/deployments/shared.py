"""A monorepo: which of the projects that are deployed from one hosted repository does a push concern."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import NotFound
from canonry.core.paths import Home
from canonry.features import git, projects
from canonry.features.deployments import service, store
from canonry.features.deployments.models import Deployment, Wish
from canonry.features.projects import Project
from canonry.infra.tx import Transactions, Tx


@dataclass(frozen=True)
class Consequence:
    """What a push does to one project. outcome: in words. deployment: None when nothing is deployed."""

    project: Project
    outcome: str
    deployment: Deployment | None = None


@dataclass(frozen=True)
class _Candidate:
    """A project that tracks the branch. before: the commit it was last asked to be. excuse: why it is not deployed whatever changed."""

    project: Project
    before: str | None
    excuse: str | None


def deploy_affected(transactions: Transactions, actor: Actor, home: Home, repository: git.Repository, branch: str) -> list[Consequence]:
    """Ask for a deployment of each project whose branch this is and which is concerned by what changed since it was last asked for.

    It is the branch's newest commit that counts, so asking again is harmless. Nothing comes back when no project deploys the branch.
    Raises: Denied; Invalid `invalid_ref`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    head = git.head_of(home, repository.folder, branch)
    if head is None:
        return []
    with transactions.begin() as tx:
        everybody = [(member, projects.get_any(tx, member.project_id)) for member in git.members_of(tx, repository.id)]
        candidates = [_candidate(tx, actor, repository, member, project) for member, project in everybody if project.repo_branch == branch]
    roots = {project.id: project.root_dir for _, project in everybody}
    folder = git.hosted_repository(home, repository.folder)
    outcomes = [(found, _outcome(found, head.sha, roots, folder)) for found in candidates]
    with transactions.begin() as tx:
        git.hold_repository(tx, repository.id)
        now = git.head_of(home, repository.folder, branch)
        if now is None or now.sha == head.sha:
            wish = Wish(branch=branch, commit=head.sha, origin="push")
            return [_carry_out(tx, actor, home, found, outcome, wish) for found, outcome in outcomes]
    # Somebody pushed while we compared. What they ask for may be there already, and what is asked for last is what goes live.
    return deploy_affected(transactions, actor, home, repository, branch)


def _candidate(tx: Tx, actor: Actor, repository: git.Repository, member: git.Member, project: Project) -> _Candidate:
    before = store.pushed_commit(tx, project.id, None if member.is_owner else repository.id)
    excuse = None
    if actor.project_id not in {None, project.id}:
        excuse = "not deployed: this token may not"
    elif not member.auto_deploy:
        excuse = "not deployed: it is by hand only (canonry git deploy)"
    elif project.status == "stopped":
        excuse = "not deployed: it is stopped"
    return _Candidate(project, before, excuse)


def _outcome(found: _Candidate, head: str, roots: Mapping[str, str | None], folder: Path) -> tuple[bool, str]:
    """Return whether a project is to be deployed, and that in words."""
    if found.excuse is not None:
        return False, found.excuse
    if found.before == head:
        return False, f"not deployed: {head[:12]} was asked for already"
    paths = git.changed_paths(folder, found.before, head)
    if paths is None:
        return True, f"deployed at {head[:12]}"
    others = [root for project_id, root in roots.items() if project_id != found.project.id]
    path = git.concerning(paths, found.project.root_dir, others, is_workspace=git.declares_workspace(folder, head))
    if path is None:
        return False, f"not deployed: nothing of it changed since {(found.before or '')[:12]}"
    return True, f"deployed at {head[:12]}, for {path} changed"


def _carry_out(tx: Tx, actor: Actor, home: Home, found: _Candidate, outcome: tuple[bool, str], wish: Wish) -> Consequence:
    """Ask for what was decided, unless the project went meanwhile or comes from elsewhere now."""
    is_wanted, words = outcome
    if not is_wanted:
        return Consequence(found.project, words)
    try:
        project = projects.get_any(tx, found.project.id)
    except NotFound:
        return Consequence(found.project, "not deployed: it was deleted")
    if project.repo_url is not None:
        return Consequence(project, f"not deployed: it comes from {project.repo_url}")
    return Consequence(project, words, service.request_commit(tx, actor, home, project, wish))
