"""Whether a push to a repository elsewhere concerns a project of it, by the rule that hosted monorepos have (`git.concerning`).

Who is told answers at once, so nothing is fetched: the paths are those that the message lists. They count when it begins where the project
was settled, by a deployment or by an earlier push that did not concern it; in all other cases the project is deployed.
"""

from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError
from canonry.core.refs import parse_repository_url
from canonry.features import deployments, git, projects
from canonry.features.previews.context import Context
from canonry.features.previews.webhook.messages import Message, Push
from canonry.features.projects import Project
from canonry.infra.tx import Tx


def declares_workspace(context: Context, project_id: str, message: Message) -> bool | None:
    """Return whether the repository's root declares a workspace, by the copy of what is live; None when nobody needs it, or can know it.

    What changes the declaration concerns every project, so it was not changed since. Raises: NotFound when the project is gone.
    """
    push = message.content
    if not isinstance(push, Push) or push.paths is None:
        return None
    with context.transactions.begin() as tx:
        project = projects.get_any(tx, project_id)
        live = deployments.live_in(tx, project_id, PRODUCTION)
    if project.repo_url is None or not git.folder_in(project.root_dir) or live is None or live.commit is None:
        return None
    try:
        access = git.access_to(context.transactions, context.vault, project)
        return git.declares_workspace(git.mirror_of(context.home, project.repo_url, access), live.commit)
    except CanonryError:  # the copy was removed to make room, or is damaged: the next deployment fetches it
        return None


def is_untouched(tx: Tx, project: Project, push: Push, *, is_workspace: bool | None) -> bool:
    """Say whether nothing that the push changes concerns the project, for certain."""
    if is_workspace is None or push.paths is None or push.before is None or not git.folder_in(project.root_dir):
        return False
    live = deployments.live_in(tx, project.id, PRODUCTION)
    if push.before not in {git.seen_commit(tx, project.id), live.commit if live is not None else None}:
        return False
    return git.concerning(push.paths, project.root_dir, _neighbours(tx, project), is_workspace=is_workspace) is None


def _neighbours(tx: Tx, project: Project) -> list[str | None]:
    """Return the folders of the organization's other projects in the same repository."""
    mine = _place(project.repo_url or "")
    return [root for url, root in projects.outside_roots(tx, project) if _place(url) == mine]


def _place(url: str) -> str:
    return parse_repository_url(url, allow_file=True, allow_ssh=True).place
