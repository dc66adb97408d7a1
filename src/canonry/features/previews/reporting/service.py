"""What the host of a repository is told, and when: the state that a deployment has by the time the job runs."""

from canonry.core.environments import PRODUCTION
from canonry.core.settings import Settings
from canonry.features import deployments, git, projects
from canonry.features.deployments import Deployment, Status
from canonry.features.previews import store as previews
from canonry.features.previews.context import Context
from canonry.features.previews.reporting import store
from canonry.features.projects import Project
from canonry.ports.git_host import GitHost, Report, ReportState, Repository

_STATES = {
    Status.LIVE: ReportState.SUCCESS, Status.FAILED: ReportState.FAILURE, Status.CANCELLED: ReportState.ERROR,
    Status.SUPERSEDED: ReportState.INACTIVE,
}  # fmt: skip
_WORDS = {
    ReportState.PENDING: "Canonry deploys it.", ReportState.SUCCESS: "It is live.", ReportState.ERROR: "The deployment was cancelled.",
    ReportState.INACTIVE: "It is not live any more.",
}  # fmt: skip


def report(context: Context, deployment_id: str) -> None:
    """Tell the host how a deployment stands; nothing when the project is from elsewhere, or there is nothing to act with.

    Raises what `ports.git_host` says; the job then tries again, or gives up. The deployment is not troubled.
    """
    with context.transactions.begin() as tx:
        deployment = deployments.by_ids(tx, [deployment_id]).get(deployment_id)
        if deployment is None or deployment.commit is None:
            return
        project = projects.get_any(tx, deployment.project_id)
        token = git.token_of(tx, context.vault, project)
        may_act = token is not None or git.may_app_act(tx, project)
        remote, said = store.find(tx, deployment_id) or (None, "")
    host = context.ports.git_host
    name = host.repository_at(project.repo_url) if host is not None and project.repo_url is not None else None
    if host is None or name is None or said == _state(deployment) or deployment.source["kind"] == "upload":
        return
    repository = Repository(name, token)
    if may_act and host.may_act(repository):
        _tell(context, host, repository, project, deployment, remote)


def report_closed(context: Context, preview_id: str) -> None:
    """Tell the host that what was live in a preview is not any more."""
    with context.transactions.begin() as tx:
        preview = previews.get(tx, preview_id)
        rows = store.of_environment(tx, preview.project_id, preview.environment) if preview is not None else []
    for deployment_id in rows:
        report(context, deployment_id)


def _tell(context: Context, host: GitHost, repository: Repository, project: Project, deployment: Deployment, remote: str | None) -> None:
    told = _report(project, deployment, context.settings)
    if told.state is ReportState.INACTIVE and remote is None:
        return  # it was never told of
    host.set_status(repository, told)
    if remote is None:
        remote = host.open_deployment(repository, told)
        with context.transactions.begin() as tx:  # at once: should the next call fail, the job goes on with this one
            store.save(tx, project.id, deployment.environment, deployment.id, remote, "")
    host.set_deployment(repository, remote, told)
    with context.transactions.begin() as tx:
        store.save(tx, project.id, deployment.environment, deployment.id, remote, str(told.state))


def _report(project: Project, deployment: Deployment, settings: Settings) -> Report:
    state = _state(deployment)
    is_preview = deployment.environment != PRODUCTION
    reason = str((deployment.error or {}).get("message", ""))
    return Report(
        commit=deployment.commit or "", state=state, context=f"canonry/{project.slug}" + (" (preview)" if is_preview else ""),
        environment=f"{project.slug} {deployment.environment}", is_preview=is_preview,
        url=deployment.url or f"{settings.own_url}/v1/deployments/{deployment.id}",
        description=reason or _WORDS.get(state, "The deployment failed."),
    )  # fmt: skip


def _state(deployment: Deployment) -> ReportState:
    if deployment.status is Status.SUPERSEDED and deployment.error is not None:  # a newer one took its place before it began
        return ReportState.ERROR
    return _STATES.get(deployment.status, ReportState.PENDING)
