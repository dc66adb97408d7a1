"""Which host goes where: the table of hosts, and the edge that follows it."""

from collections.abc import Sequence
from pathlib import Path

from canonry.core.errors import Conflict
from canonry.core.hosts import parse_host
from canonry.features.traffic import store
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


def hosts_of(tx: Tx, project_id: str, environment: str | None = None) -> list[str]:
    """Return the hosts of a project, of one environment or of all."""
    return store.hosts_of(tx, project_id, environment)


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


def remove(edge: Edge, hosts: Sequence[str]) -> None:
    """Take these hosts away from the edge."""
    for host in hosts:
        edge.remove(host)
