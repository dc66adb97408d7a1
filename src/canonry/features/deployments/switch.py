"""The switch: from the moment the edge serves a release, it is live; the former one drains."""

from collections.abc import Set as AbstractSet

from canonry.core.environments import PRODUCTION
from canonry.features import databases, projects, traffic, volumes
from canonry.features.deployments import frozen, store
from canonry.features.deployments.build_log import BuildLog
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import StepFailed
from canonry.features.deployments.events import DeploymentSucceeded
from canonry.features.deployments.fleet import leading, revival, scale
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.fleet.launch import host_of
from canonry.features.deployments.models import Deployment, Release
from canonry.features.deployments.rules import facts
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json

_MARGIN = 2  # seconds: the watch looks once a second


def go_live(context: Context, project: Project, deployment: Deployment, release: Release, log: BuildLog) -> None:
    """Bring the hosts of the project to this release, then let the former instances drain. Raises: StepFailed `gate_closed`."""
    answer = context.ports.gate.check(project.id, release.commit)
    if not answer.allowed:
        raise StepFailed("gate_closed", f"The release may not go live: {answer.reason}.", hint="Mend what the gate names, then retry.")
    with leading.turn(context, project.id):
        with context.transactions.begin() as tx:
            _require_open(tx, deployment, release)
            host = host_of(tx, context, project.id, deployment.environment)
            traffic.claim(tx, host, project.id, deployment.environment)
            hosts = traffic.hosts_of(tx, project.id, deployment.environment)
            addresses = leading.serving_addresses(tx, release)
        leading.lead(context, release, hosts, addresses)
        url = context.settings.url_of(host)
        with context.transactions.begin() as tx:
            stopped_before = _record(tx, deployment, url)
            _end_former_login(tx, context, deployment)
            volumes.settle(tx, project.id, deployment.environment, plan_from_json(release.plan).volumes)
            sites = revival.bring_back(tx, context, project, besides=release.id) if stopped_before else []
            scale.fit_all(tx, context, project, release, deployment.id)
            fleet.drain(tx, project.id, deployment.environment, keep_release=release.id, seconds=context.settings.drain_seconds)
        revival.serve_sites(context, sites)
    log.say(f"Live at {url}")


def take_over(context: Context, project: Project, deployment: Deployment, release: Release, log: BuildLog) -> bool:
    """Go live at once when this release is what is live already, all healthy; say whether that was so.

    Then there is nothing to start and nothing to switch: the running instances go on under the new release's name.
    """
    if deployment.source["kind"] == "release":
        return False
    running = {state.id for state in context.ports.runtime.states() if state.running}
    with leading.turn(context, project.id):
        with context.transactions.begin() as tx:
            live = store.live(tx, project.id, deployment.environment)
            old = store.release(tx, live.release_id) if live is not None and live.release_id is not None else None
            status = projects.get_any(tx, project.id).status
            runs = status == "running" if deployment.environment == PRODUCTION else status != "stopped"
            if old is None or not runs or not _same(context, old, release) or not _complete(tx, project, old, running):
                return False
            url = context.settings.url_of(host_of(tx, context, project.id, deployment.environment))
            hosts = traffic.hosts_of(tx, project.id, deployment.environment)
            addresses = leading.serving_addresses(tx, old)
        leading.lead(
            context, old, hosts, addresses
        )  # after a restart the table says healthy up to a second before the watch tells the edge
        with context.transactions.begin() as tx:
            fleet.adopt(tx, old.id, release.id, deployment.id)
            _record(tx, deployment, url)
            _end_former_login(tx, context, deployment)
    log.say("Nothing has changed: the running instances stay.")
    log.say(f"Live at {url}")
    return True


def _end_former_login(tx: Tx, context: Context, deployment: Deployment) -> None:
    """Let the database refuse the login of before a rotation, once the last instance that uses it has ended."""
    seconds = context.settings.drain_seconds + context.settings.stop_grace + _MARGIN
    databases.note_deployed(
        tx, deployment.project_id, deployment.environment, started=deployment.started_at or deployment.created_at, seconds=seconds
    )


def _record(tx: Tx, deployment: Deployment, url: str) -> bool:
    """Note that a deployment is live; say whether the project was stopped until now. The status of a project is that of production."""
    stopped_before = projects.get_any(tx, deployment.project_id).status == "stopped"
    before = store.live(tx, deployment.project_id, deployment.environment)
    store.make_live(tx, deployment, url)
    if deployment.environment == PRODUCTION:
        projects.set_status(tx, deployment.project_id, "running")
    after = {"live": deployment.id, "url": url, **facts(store.get(tx, deployment.id) or deployment)}
    happened = DeploymentSucceeded(deployment.organization_id, deployment.project_id, deployment.id)
    tx.emit(happened, before={"live": before.id if before is not None else None}, after=after)
    return stopped_before and deployment.environment == PRODUCTION


def _require_open(tx: Tx, deployment: Deployment, release: Release) -> None:
    """Return when the environment may serve: a preview of a stopped project may not, nor a release whose volume is gone.

    Raises: StepFailed `project_stopped`, `volume_removed`.
    """
    gone = volumes.missing(tx, deployment.project_id, deployment.environment, plan_from_json(release.plan).volumes)
    if gone:
        raise StepFailed("volume_removed", f"The volume {gone[0]} was removed while the new release started with it.",
                         hint="Deploy again: it begins with an empty one.")  # fmt: skip
    if deployment.environment != PRODUCTION and projects.get_any(tx, deployment.project_id).status == "stopped":
        raise StepFailed("project_stopped", "The project was stopped meanwhile.", hint="Start it, then deploy again.")


def _same(context: Context, old: Release, new: Release) -> bool:
    return (
        old.artifact_id == new.artifact_id
        and plan_from_json(old.plan) == plan_from_json(new.plan)
        and frozen.is_same(context.vault, old, new)
    )


def _complete(tx: Tx, project: Project, release: Release, running: AbstractSet[str]) -> bool:
    rows = fleet.of_release(tx, release.id)
    wanted = sum(
        projects.scale_of(tx, project.id, process, release.environment).instances for process in plan_from_json(release.plan).processes
    )
    return len(rows) == wanted and all(row.status == "healthy" and row.runtime_id in running for row in rows)
