"""Leading requests to a release: what the edge is told, and when."""

import fcntl
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from canonry.features import traffic
from canonry.features.deployments import store as deployments
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.fleet.launch import WEB
from canonry.features.deployments.models import Instance, Release
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json

_TURNS = 16  # lock files: projects whose names fall on the same one wait for each other, a few milliseconds


@contextmanager
def turn(context: Context, project_id: str) -> Iterator[None]:
    """Be the only one who leads this project's requests.

    Whoever decides by the tables what the edge shall be told, and tells it, does both inside: else the watch, slow between the two,
    leads back to a release that has just been replaced.
    """
    path = context.home.run / f"lead-{zlib.crc32(project_id.encode()) % _TURNS}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lead(context: Context, release: Release, hosts: list[str], addresses: list[str]) -> None:
    """Let the edge serve this release at these hosts."""
    plan = plan_from_json(release.plan)
    if plan.static is not None:
        site = context.ports.builder.load(release.artifact_id).site
        if site is not None:
            traffic.serve_site(context.ports.edge, hosts, site, single_page=plan.static.single_page)
    elif WEB in plan.processes:
        traffic.point(context.ports.edge, hosts, addresses)


def lead_project(context: Context, project_id: str) -> None:
    """Tell the edge anew about every host of a project: what each serves, that it is stopped, where it redirects to.

    For whoever has changed the hosts. A project that is gone, or a host of another project, is left alone.
    """
    with turn(context, project_id):
        with context.transactions.begin() as tx:
            hosts = traffic.everything_of(tx, project_id)
            live = {name: deployments.live_release(tx, project_id, name) for name in {host.environment for host in hosts}}
            addresses = {name: serving_addresses(tx, release) for name, release in live.items() if release is not None}
            is_stopped = deployments.is_stopped(tx, project_id)
        traffic.redirect(context.ports.edge, hosts)
        for environment, release in live.items():
            names = [host.host for host in hosts if host.environment == environment and host.redirect_to is None]
            if is_stopped:
                traffic.show_stopped(context.ports.edge, names)
            elif release is not None:
                lead(context, release, names, addresses[environment])
            else:
                traffic.unknown(context.ports.edge, names)


def leave(context: Context, project_id: str, host: str, also: Callable[[Tx], None]) -> None:
    """Take a host away from a project, from its rows and from the edge, at once. also: what else belongs into the transaction."""
    with turn(context, project_id), context.transactions.begin() as tx:
        also(tx)
        if traffic.give_up(tx, host, project_id):
            # Before the commit: that lets another project have the host, and it might lead it before we came to remove it.
            traffic.remove(context.ports.edge, [host])


def withdraw(context: Context, hosts: Sequence[str]) -> None:
    """Take hosts away from the edge that were given up; not to be called inside of `turn`.

    Their names are free already: one that somebody has led to a project of theirs before we came to remove it is led there anew.
    """
    traffic.remove(context.ports.edge, hosts)
    with context.transactions.begin() as tx:
        owners = {project_id for project_id, _ in traffic.owners(tx, hosts).values()}
    for project_id in sorted(owners):
        lead_project(context, project_id)


def serving_addresses(tx: Tx, release: Release) -> list[str]:
    """Return where the healthy web instances of a release listen."""
    return addresses_of([row for row in fleet.of_project(tx, release.project_id) if row.release_id == release.id])


def addresses_of(rows: Sequence[Instance]) -> list[str]:
    """Return the addresses that requests may go to, in an order of their own: the healthy ones, else those that drain but still serve."""
    listening = [row for row in rows if row.process == WEB and row.address is not None]
    found = {status: sorted(row.address for row in listening if row.status == status and row.address) for status in ("healthy", "draining")}
    return found["healthy"] or found["draining"]
