"""Bringing the instances of a live release to the scale that its project asks for."""

from canonry.features import projects
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import launch, store
from canonry.features.deployments.models import Release
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json


def fit(tx: Tx, context: Context, project: Project, release: Release, deployment_id: str, process: str) -> None:
    """Let instances of a process go that are too many or of another size, and add those that are missing; the watch starts them."""
    wanted = projects.scale_of(tx, project.id, process, release.environment)
    memory = wanted.memory_mb or context.settings.instance_memory
    rows = [row for row in store.of_release(tx, release.id) if row.process == process]
    leaving = [row.id for row in rows if row.index >= wanted.instances or (row.memory_mb, row.cpu) != (memory, wanted.cpu)]
    store.drain_some(tx, leaving, context.settings.drain_seconds)
    if process in plan_from_json(release.plan).processes:
        launch.add_missing(tx, context, project, release, deployment_id)


def fit_all(tx: Tx, context: Context, project: Project, release: Release, deployment_id: str) -> None:
    """Do it for every process of a release that has just gone live: somebody may have scaled while it was started."""
    for process in plan_from_json(release.plan).processes:
        fit(tx, context, project, release, deployment_id, process)
