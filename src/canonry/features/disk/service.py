"""Use cases: who uses what, prune, pin."""

import threading
import time

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, NotFound
from canonry.features import deployments, projects
from canonry.features.deployments import Deployment
from canonry.features.disk import governor, inventory, store
from canonry.features.disk.context import Context
from canonry.features.disk.events import DeploymentPinned, DeploymentUnpinned, DiskPruned
from canonry.features.disk.models import Owners, Pruned, Usage
from canonry.infra.tx import Tx
from canonry.ports.builder import Builder

_FRESH = 10.0  # seconds; walking the home again for everybody who asks would keep the disk busy
_measuring = threading.Lock()
_last: tuple[float, str, Usage, Owners] | None = None


def usage(context: Context) -> tuple[Usage, Owners]:
    """Measure the whole home, or return what was measured a moment ago."""
    global _last  # noqa: PLW0603 -- a measurement of the one disk, kept for a moment
    with _measuring:
        if _last is None or time.monotonic() - _last[0] > _FRESH or _last[1] != str(context.home.root):
            with context.transactions.reading() as tx:
                owned = store.owners(tx)
            _last = (time.monotonic(), str(context.home.root), inventory.measure(context.home, owned), owned)
        return _last[2], _last[3]


def usage_of(context: Context, actor: Actor, key: str) -> tuple[str, dict[str, int], list[str]]:
    """Return a project's slug, what it uses by kind, and its pinned deployments."""
    require(actor, Permission.PROJECTS_READ)
    with context.transactions.reading() as tx:
        project = projects.find(tx, actor, key)
        owned = store.owners(tx, project.id)
        pinned = store.pinned(tx, project.id)
    return project.slug, inventory.measure_project(context.home, owned, project.id), pinned


def prune(context: Context, actor: Actor, *, dry_run: bool) -> Pruned:
    """Remove what can be made again and what is beyond the budgets, or say what that would be."""
    require(actor, Permission.PLATFORM_MANAGE)
    if dry_run:
        return governor.would_prune(context)
    done = governor.prune(context)
    with context.transactions.begin() as tx:
        tx.emit(DiskPruned(actor.organization_id), after={"removed": len(done.removed), "bytes": done.bytes})
    return done


def pin(tx: Tx, actor: Actor, builder: Builder, deployment_id: str) -> Deployment:
    """Keep the artifact of a deployment for good. Harmless twice. Raises: NotFound; Conflict `artifact_missing`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    deployment = deployments.find(tx, actor, deployment_id)
    deployments.require_rollback_target(deployment)
    deployments.hold_artifacts(tx, deployment.project_id)
    try:
        builder.load(deployment.artifact_id or "")
    except NotFound as error:
        raise Conflict(error.code, error.message, hint=error.hint) from error
    if store.pin(tx, deployment.id, actor.user_id):
        event = DeploymentPinned(deployment.organization_id, deployment.project_id, deployment.id)
        tx.emit(event, before={"pinned": False}, after={"pinned": True})
    return deployment


def unpin(tx: Tx, actor: Actor, deployment_id: str) -> Deployment:
    """Let the artifact of a deployment go when it is old enough. Harmless twice. Raises: NotFound."""
    require(actor, Permission.PROJECTS_DEPLOY)
    deployment = deployments.find(tx, actor, deployment_id)
    if store.unpin(tx, deployment.id):
        event = DeploymentUnpinned(deployment.organization_id, deployment.project_id, deployment.id)
        tx.emit(event, before={"pinned": True}, after={"pinned": False})
    return deployment
