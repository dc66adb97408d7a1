"""Which host goes where: the table of hosts, and the edge that follows it."""

from collections.abc import Collection, Sequence
from pathlib import Path

from canonry.core.errors import Conflict
from canonry.core.hosts import parse_host
from canonry.features.traffic import store
from canonry.features.traffic.models import Host
from canonry.infra.tx import Tx
from canonry.ports.edge import Edge, Page


def claim(tx: Tx, host: str, project_id: str, environment: str) -> str:
    """Give a host to an environment of a project; one that it has already stays. Returns the host.

    Raises: Conflict `host_taken`, Invalid `invalid_hostname`.
    """
    name = parse_host(host)
    store.insert(tx, name, project_id, environment)
    if store.owner(tx, name) != (project_id, environment):
        raise Conflict("host_taken", f"The host {name} belongs to another project or environment.", hint="Choose another slug or host.")
    return name


def release(tx: Tx, project_id: str, environment: str) -> list[str]:
    """Take all hosts from an environment and return them; anybody may have them now."""
    return store.delete(tx, project_id, environment)


def take_over(tx: Tx, host: str, project_id: str, environment: str) -> str | None:
    """Give a host to a project even when another one has it, and return that one. For somebody who has proved that it is theirs."""
    name = parse_host(host)
    before = store.owner(tx, name)
    store.assign(tx, name, project_id, environment)
    return before[0] if before is not None and before[0] != project_id else None


def give_up(tx: Tx, host: str, project_id: str) -> bool:
    """Take a host away from that project and say whether it had it; one that another project has stays there."""
    return store.delete_host(tx, host, project_id)


def set_redirect(tx: Tx, host: str, project_id: str, to: str | None) -> None:
    """Let a host of the project send its visitors to another host of it; None: it serves itself."""
    store.set_redirect(tx, host, project_id, to)


def hosts_of(tx: Tx, project_id: str, environment: str | None = None) -> list[str]:
    """Return the hosts at which a project is served, of one environment or of all; hosts that redirect are not among them."""
    return [row.host for row in store.of_project(tx, project_id) if environment in {None, row.environment} and row.redirect_to is None]


def everything_of(tx: Tx, project_id: str) -> list[Host]:
    """Return every host of a project, those that redirect included."""
    return store.of_project(tx, project_id)


def redirecting(tx: Tx) -> list[str]:
    """Return the ids of the projects that have a host which redirects."""
    return store.redirecting(tx)


def owners(tx: Tx, hosts: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return host → project id and environment, for those of the hosts that belong to somebody."""
    return store.owners(tx, hosts)


def all_hosts(tx: Tx) -> list[str]:
    """Return every host that belongs to somebody."""
    return store.all_hosts(tx)


def serve_site(edge: Edge, hosts: Sequence[str], site: Path, *, single_page: bool) -> None:
    """Serve static files at all these hosts."""
    for host in hosts:
        edge.serve_site(host, site, single_page=single_page)


def point(edge: Edge, hosts: Sequence[str], addresses: Sequence[str]) -> None:
    """Send the requests of all these hosts to these addresses; with none they answer that the app is dead."""
    for host in hosts:
        edge.point(host, addresses)


def show_stopped(edge: Edge, hosts: Sequence[str]) -> None:
    """Answer at all these hosts that the project is stopped."""
    for host in hosts:
        edge.show_page(host, Page.STOPPED)


def redirect(edge: Edge, hosts: Sequence[Host]) -> None:
    """Send the visitors of those hosts that redirect to where they redirect to."""
    for host in hosts:
        if host.redirect_to is not None:
            edge.redirect(host.host, host.redirect_to)


def unknown(edge: Edge, hosts: Sequence[str]) -> None:
    """Answer at these hosts that nothing is served there (yet)."""
    for host in hosts:
        edge.show_page(host, Page.UNKNOWN)


def remove(edge: Edge, hosts: Sequence[str]) -> None:
    """Take these hosts away from the edge."""
    for host in hosts:
        edge.remove(host)
