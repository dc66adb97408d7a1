"""Leading requests to a release: what the edge is told, and when."""

from collections.abc import Sequence

from canonry.features import traffic
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.fleet.launch import WEB
from canonry.features.deployments.models import Instance, Release
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json


def lead(context: Context, release: Release, hosts: list[str], addresses: list[str]) -> None:
    """Let the edge serve this release at these hosts."""
    plan = plan_from_json(release.plan)
    if plan.static is not None:
        site = context.ports.builder.load(release.artifact_id).site
        if site is not None:
            traffic.serve_site(context.ports.edge, hosts, site, single_page=plan.static.single_page)
    elif WEB in plan.processes:
        traffic.point(context.ports.edge, hosts, addresses)


def serving_addresses(tx: Tx, release: Release) -> list[str]:
    """Return where the healthy web instances of a release listen."""
    return addresses_of([row for row in fleet.of_project(tx, release.project_id) if row.release_id == release.id])


def addresses_of(rows: Sequence[Instance]) -> list[str]:
    """Return the addresses that requests may go to: the healthy ones, else those that drain but still serve (a change of size)."""
    listening = [row for row in rows if row.process == WEB and row.address is not None]
    healthy = [row.address for row in listening if row.status == "healthy" and row.address is not None]
    return healthy or [row.address for row in listening if row.status == "draining" and row.address is not None]
