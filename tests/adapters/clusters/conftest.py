"""Clusters of this machine with real PostgreSQL servers and a real proxy, in a home of their own; whatever a test makes is removed."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from canonry.adapters.clusters.process import ProcessClusters
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree
from canonry.ports.clusters import ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine


@dataclass
class Machine:
    """A home with clusters. `clusters` is what a running Canonry has; `again()` what a restarted one has."""

    home: Home
    clusters: ProcessClusters
    made: list[str] = field(default_factory=list)

    def again(self) -> ProcessClusters:
        return clusters_of_this_machine(Settings(home=self.home.root), self.home)

    def spec(self, **options: object) -> ClusterSpec:
        values: dict[str, Any] = {"id": new_id("db"), "port": self.clusters.free_port(()), **options}
        spec = ClusterSpec(**values)
        self.made.append(spec.id)
        return spec

    def shared(self) -> ClusterSpec:
        """Return a cluster that runs, the same for all tests of a module: for those that do it no harm."""
        found = [place.read_spec() for place in self.clusters._folders.places() if place.id == "shared"]
        if found and found[0]:
            return found[0]
        spec = self.running(id="shared")
        self.made.remove(spec.id)
        return spec

    def running(self, **options: object) -> ClusterSpec:
        spec = self.spec(**options)
        self.clusters.create(spec)
        self.clusters.start(spec)
        self.sql(spec, "CREATE ROLE app_1 LOGIN PASSWORD 'secret' IN ROLE app; ALTER ROLE app_1 SET role = app")
        return spec

    def sql(self, spec: ClusterSpec, statement: str) -> list[tuple[object, ...]]:
        """Carry out a statement as superuser in the app's database."""
        return execute(self.clusters.admin_url(spec.id, "app").reveal(), statement)

    def postmaster(self, spec: ClusterSpec) -> int:
        state = self.clusters.state(spec.id)
        assert state is not None
        assert state.pid is not None
        return state.pid

    def proxy(self) -> int:
        return int((self.home.databases / ".proxy.pid").read_text().split()[0])


def url(spec: ClusterSpec, host: str = "localhost") -> str:
    """Return what an app connects with."""
    return f"postgresql://app_1:secret@{host}:{spec.port}/app"


def execute(address: str, statement: str) -> list[tuple[object, ...]]:
    """Carry out a statement on a connection of its own."""
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def wait(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="canonry tests"))
    home = Home(folder / "home")
    home.create()
    yield home
    clusters_of_this_machine(Settings(home=home.root), home).shut_down()
    remove_tree(folder)


@pytest.fixture
def machine(home: Home) -> Iterator[Machine]:
    machine = Machine(home, clusters_of_this_machine(Settings(home=home.root), home))
    yield machine
    for cluster_id in machine.made:
        machine.clusters.remove(cluster_id)
    machine.clusters.close()
