"""A deployment as a story: fetch → plan → build → release command → start → health → switch.

Every step may run twice: after a `kill -9` the job runs again from the top, finds what is done and goes on. A failure at any step leaves
the live release untouched. The old instances are not stopped here: they drain, and the watch ends them when their time is over.
"""

import logging
import time

from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.core.events import Event
from canonry.features import projects, volumes
from canonry.features.deployments import renewal, source, store, switch
from canonry.features.deployments.build_log import BuildLog
from canonry.features.deployments.cancellation import Cancellation
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import DeploymentStopped
from canonry.features.deployments.events import DeploymentCancelled, DeploymentFailed, DeploymentSuperseded
from canonry.features.deployments.fleet import launch
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.models import UNFINISHED, Deployment, Status
from canonry.features.deployments.queue import RUN
from canonry.features.deployments.rules import facts
from canonry.infra.files import remove_tree
from canonry.infra.tx import Tx
from canonry.ports.errors import BuildCancelled
from canonry.ports.plans import plan_from_json

_log = logging.getLogger(__name__)
_CLOSELY = 0.25  # seconds; a person or a script that waits for the end of one deploy before the next is slower than this
_LONGEST_WAIT = 15.0
_PLAN_SECONDS = 3600  # the work area of a plan belongs to a request; one this old was left by a process that is gone


def run(context: Context, project_id: str, environment: str) -> None:
    """Carry out what waits for this environment, newest first, until nothing waits."""
    while (deployment := _take(context, project_id, environment)) is not None:
        _carry_out(context, deployment)


def recover(context: Context) -> None:
    """Mend what a `kill -9` left, at the start: what waits or was interrupted gets a job again, work areas of ended builds go."""
    with context.transactions.begin() as tx:
        for project_id, environment in store.projects_with_unfinished(tx):
            tx.enqueue(RUN, project_id=project_id, environment=environment)
        working = store.unfinished_ids(tx)
    for work in context.home.builds.iterdir():
        if work.name not in working and time.time() - work.stat().st_mtime > (0 if work.name.startswith("dep_") else _PLAN_SECONDS):
            remove_tree(work)


def _take(context: Context, project_id: str, environment: str) -> Deployment | None:
    """Return what to do next: first what was interrupted, else the newest that waits; the older ones are superseded."""
    _wait_for_quiet(context, project_id, environment)
    with context.transactions.begin() as tx:
        rows = store.unfinished(tx, project_id, environment)
        begun = [row for row in rows if row.status is not Status.QUEUED]
        if begun:
            return begun[0]
        if not rows:
            return None
        *older, newest = sorted(rows, key=lambda row: row.source["kind"] != renewal.KIND)  # what somebody asked for renews as well
        error = {"code": "superseded", "message": f"The newer deployment {newest.id} took its place before it began.", "hint": ""}
        store.finish(tx, [row.id for row in older], Status.SUPERSEDED, error)
        for row in older:
            ended = DeploymentSuperseded(row.organization_id, row.project_id, row.id)
            tx.emit(ended, before=facts(row), after={**facts(row), "status": str(Status.SUPERSEDED), "by": newest.id})
        store.update(tx, newest.id, {"status": str(Status.BUILDING), "step": "fetch", "started_at": now()})
    for row in older:
        log = BuildLog(context.home, row.id)
        log.say(str(error["message"]))
        log.close(Status.SUPERSEDED)
    return newest


def _wait_for_quiet(context: Context, project_id: str, environment: str) -> None:
    """Wait out a burst: while requests follow each other this closely, what is built now would be superseded at once."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        with context.transactions.begin() as tx:
            newest, before = store.newest_requests(tx, project_id, environment)
        if newest is None or before is None or (newest - before).total_seconds() > _CLOSELY:
            return
        left = _CLOSELY - (now() - newest).total_seconds()
        if left <= 0:
            return
        time.sleep(left)


def _carry_out(context: Context, deployment: Deployment) -> None:
    log = BuildLog(context.home, deployment.id)
    cancellation = Cancellation(context, deployment.id)
    status: Status | None = None
    try:
        _walk(context, deployment, log, cancellation)
        status = Status.LIVE
    except (DeploymentStopped, BuildCancelled):
        status = _end(context, deployment, log, Status.CANCELLED, {"code": "cancelled", "message": "Cancelled on request.", "hint": ""})
    except CanonryError as error:
        if error.code == "database_unavailable":  # nothing can be recorded now: the job runs again and goes on from here
            raise
        status = _end(context, deployment, log, Status.FAILED, {"code": error.code, "message": error.message, "hint": error.hint})
    except Exception:  # noqa: BLE001 -- a bug must end the deployment, not leave it hanging; it is logged with its traceback
        _log.exception("deployment %s failed", deployment.id)
        message, hint = "Something in Canonry itself failed; its log says more.", "Try again; report it if it stays."
        status = _end(context, deployment, log, Status.FAILED, {"code": "internal_error", "message": message, "hint": hint})
    finally:
        log.close(status)
        remove_tree(context.home.builds / deployment.id)


def _walk(context: Context, deployment: Deployment, log: BuildLog, cancellation: Cancellation) -> None:
    with context.transactions.begin() as tx:
        project = projects.get_any(tx, deployment.project_id)
    release = source.release_for(context, project, deployment, log, cancellation)
    cancellation.check()
    if switch.take_over(context, project, deployment, release, log):
        return
    launch.run_release_command(context, project, deployment, release, log)
    cancellation.check()
    _step(context, deployment, "start", Status.DEPLOYING)
    instances = launch.start(context, project, deployment, release, log)
    if instances:
        _step(context, deployment, "health", Status.DEPLOYING)
        launch.wait_until_healthy(context, project, release, instances, log, cancellation)
    cancellation.check()
    _step(context, deployment, "switch", Status.DEPLOYING)
    switch.go_live(context, project, deployment, release, log)


def _step(context: Context, deployment: Deployment, step: str, status: Status) -> None:
    with context.transactions.begin() as tx:
        store.update(tx, deployment.id, {"step": step, "status": str(status)})


def _end(context: Context, deployment: Deployment, log: BuildLog, status: Status, error: dict[str, str]) -> Status:
    """End a deployment that did not go live, and return how it ended. One that is live stays live, whatever failed after the switch."""
    error = {name: log.masked(text) for name, text in error.items()}  # it may quote what a command or the app wrote
    with context.transactions.begin() as tx:
        current = store.get(tx, deployment.id)
        if current is None:  # the project was deleted meanwhile
            return status
        if current.status not in UNFINISHED:
            return current.status
        store.finish(tx, [deployment.id], status, error)
        fleet.drain_deployment(tx, deployment.id)
        _settle_volumes(tx, deployment)
        tx.emit(_ended(deployment, status, error["code"]), before=facts(current), after=facts(store.get(tx, deployment.id) or current))
    log.say(f"{error['message']} {error['hint']}".strip())
    log.say("The live release is untouched." if status is Status.FAILED else "Stopped.")
    return status


def _settle_volumes(tx: Tx, deployment: Deployment) -> None:
    """Let go of the volumes that only this deployment needed; what is in them is kept."""
    live = store.live(tx, deployment.project_id, deployment.environment)
    release = store.release(tx, live.release_id) if live is not None and live.release_id is not None else None
    declared = plan_from_json(release.plan).volumes if release is not None else ()
    volumes.settle(tx, deployment.project_id, deployment.environment, declared)


def _ended(deployment: Deployment, status: Status, code: str) -> Event:
    if status is Status.CANCELLED:
        return DeploymentCancelled(deployment.organization_id, deployment.project_id, deployment.id)
    return DeploymentFailed(deployment.organization_id, deployment.project_id, deployment.id, code)
