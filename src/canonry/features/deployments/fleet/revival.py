"""Bringing back what was stopped: every live release of a project, of production and of its previews."""

from canonry.features import traffic
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import launch, leading
from canonry.features.deployments.models import Release
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json

type Sites = list[tuple[Release, list[str]]]


def bring_back(tx: Tx, context: Context, project: Project, *, besides: str = "") -> Sites:
    """Let the instances of every live release run again (the watch starts them); return the static ones with their hosts.

    besides: id of a release that somebody else takes care of.
    """
    sites: Sites = []
    for release in store.live_of_project(tx, project.id):
        if release.id == besides:
            continue
        launch.add_missing(tx, context, project, release, release.deployment_id)
        if plan_from_json(release.plan).static is not None:
            sites.append((release, traffic.hosts_of(tx, project.id, release.environment)))
    return sites


def serve_sites(context: Context, sites: Sites) -> None:
    """Let the edge serve these sites again; what has instances is led to by the watch, as soon as they are healthy."""
    for release, hosts in sites:
        leading.lead(context, release, hosts, [])
