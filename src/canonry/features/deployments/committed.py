"""What was committed to a project's repository here, by a merge or in the editor, is deployed as what is pushed to it."""

from canonry.core.access import PERMISSIONS, Actor, Role, Scope
from canonry.core.errors import NotFound
from canonry.features import git, projects
from canonry.features.deployments import service, shared, store
from canonry.features.deployments.context import Context
from canonry.features.deployments.models import Wish


def deploy(context: Context, repository_id: str) -> None:
    """Ask for a deployment of where the repository's branch stands, unless its newest deployment is of that commit already.

    Of a repository of several projects those are deployed that the change concerns. Nothing happens when no project deploys the
    repository, or the project is stopped.
    """
    with context.transactions.begin() as tx:
        try:
            several = git.get_repository(tx, repository_id) if git.is_shared(tx, repository_id) else None
        except NotFound:
            return
    if several is not None:
        actor = Actor("", several.organization_id, several.owner, PERMISSIONS[Scope.DEPLOY], None, Role.DEVELOPER)
        shared.deploy_affected(context.transactions, actor, context.home, several, several.default_branch)
        return
    with context.transactions.begin() as tx:
        try:
            repository = git.get_repository(tx, repository_id)
            project = None if repository.project_id is None else projects.get_any(tx, repository.project_id)
        except NotFound:  # deleted meanwhile
            return
        if project is None or project.repo_url is not None or project.status == "stopped":
            return
        # Not the head that is noted: of two who commit at once, the one who was first may be the last to note it.
        head = git.head_of(context.home, repository.folder, repository.default_branch)
        if head is None or store.newest_commit(tx, project.id, projects.PRODUCTION) == head.sha:
            return
        actor = Actor("", project.organization_id, project.handle, PERMISSIONS[Scope.DEPLOY], project.id, Role.DEVELOPER)
        service.request_commit(tx, actor, context.home, project, Wish(commit=head.sha))
