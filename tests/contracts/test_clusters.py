"""The contract of `ports.clusters.Clusters`, over every adapter, with real PostgreSQL servers."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from canonry.adapters.clusters.process import ProcessClusters
from canonry.core.errors import CanonryError, Conflict, NotFound, Unavailable
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree
from canonry.ports.clusters import TIERS, Clusters, ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine, make_clusters
from tests.support.waiting import until


class Bench:
    """One adapter under test."""

    def __init__(self, clusters: Clusters) -> None:
        self.clusters = clusters
        self.made: list[str] = []

    def spec(self) -> ClusterSpec:
        spec = ClusterSpec(new_id("db"), self.clusters.free_port(()))
        self.made.append(spec.id)
        return spec

    def running(self) -> ClusterSpec:
        spec = self.spec()
        self.clusters.create(spec)
        self.clusters.start(spec)
        return spec

    def sql(self, spec: ClusterSpec, statement: str) -> list[tuple[object, ...]]:
        """Carry out a statement as superuser in the app's database."""
        url = self.clusters.admin_url(spec.id, self.clusters.names(spec.id).database).reveal()
        return _execute(url, statement)

    def login(self, spec: ClusterSpec) -> str:
        """Make a login of an app and return the address it uses."""
        names = self.clusters.names(spec.id)
        self.sql(spec, f"CREATE ROLE {names.owner}_1 LOGIN PASSWORD 'secret' IN ROLE {names.owner}")
        host, port = self.clusters.address(spec)
        return f"postgresql://{names.owner}_1:secret@{host}:{port}/{names.database}"


def _execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="canonry tests"))
    yield folder
    remove_tree(folder)


@pytest.fixture(scope="module")
def machine(folder: Path) -> Iterator[ProcessClusters]:
    """Give the clusters of this machine; everything is ended afterwards."""
    home = Home(folder / "home")
    home.create()
    clusters = clusters_of_this_machine(Settings(home=home.root), home)
    yield clusters
    clusters.shut_down()


@pytest.fixture(scope="module")
def outside(machine: ProcessClusters) -> Clusters:
    """Give databases on a server whose administrator may make databases and roles, and is no superuser."""
    spec = ClusterSpec("outside", machine.free_port(()))
    machine.create(spec)
    machine.start(spec)
    _execute(machine.admin_url(spec.id).reveal(), "CREATE ROLE admin LOGIN CREATEDB CREATEROLE PASSWORD 'of-admin'")
    _execute(machine.admin_url(spec.id).reveal(), "GRANT CONNECT ON DATABASE postgres TO admin")
    settings = Settings(databases_url=Secret(f"postgresql://admin:of-admin@localhost:{spec.port}/postgres?sslmode=prefer"))
    return make_clusters(settings, Home(settings.home_path))


@pytest.fixture(params=["process", "outside"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(request.getfixturevalue("machine" if request.param == "process" else "outside"))
    yield bench
    for cluster_id in bench.made:
        bench.clusters.remove(cluster_id)
    bench.clusters.close()


@pytest.fixture
def on_this_machine(machine: ProcessClusters) -> Iterator[Bench]:
    """Give the adapter that can restore."""
    bench = Bench(machine)
    yield bench
    for cluster_id in bench.made:
        bench.clusters.remove(cluster_id)


def test_a_created_cluster_is_there_and_does_not_run(bench: Bench) -> None:
    spec = bench.spec()
    bench.clusters.create(spec)
    state = bench.clusters.state(spec.id)
    assert state is not None
    assert (state.running, state.asleep, state.reason) == (False, False, "")
    assert spec.id in {found.id for found in bench.clusters.states()}


def test_a_started_cluster_answers_and_has_the_apps_database(bench: Bench) -> None:
    spec = bench.running()
    names = bench.clusters.names(spec.id)
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert bench.sql(spec, query) == [(names.owner,)]
    assert (names.owner, False, False) in bench.sql(spec, "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles")


def test_an_app_connects_with_its_login_and_is_no_superuser(bench: Bench) -> None:
    spec = bench.running()
    url = bench.login(spec)
    assert _execute(url, "SELECT current_setting('is_superuser')") == [("off",)]
    with pytest.raises(psycopg.OperationalError, match="password"):
        _execute(url.replace("secret", "wrong"), "SELECT 1")


def test_a_login_of_another_database_gets_in_nowhere_else(bench: Bench) -> None:
    spec, other = bench.running(), bench.running()
    bench.login(spec)
    stranger = bench.login(other)
    names = bench.clusters.names(other.id)
    bench.sql(other, f"ALTER ROLE {names.owner}_1 PASSWORD 'another'")
    theirs = conninfo_to_dict(stranger) | {"password": "another"}
    assert _execute(make_conninfo("", **theirs), "SELECT 1") == [(1,)]
    assert bench.clusters.options().items() <= {"sslmode": "prefer"}.items()
    elsewhere = {"port": bench.clusters.address(spec)[1], "dbname": bench.clusters.names(spec.id).database}
    for target in (elsewhere, {"dbname": "postgres"}, {"dbname": "template1"}):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(make_conninfo("", **(theirs | target)))


def test_creating_again_changes_nothing(bench: Bench) -> None:
    spec = bench.running()
    bench.sql(spec, "CREATE TABLE kept ()")
    bench.clusters.create(spec)
    bench.clusters.start(spec)
    assert bench.sql(spec, "SELECT count(*) FROM kept") == [(0,)]


def test_a_stopped_cluster_keeps_its_data(bench: Bench) -> None:
    spec = bench.running()
    bench.sql(spec, "CREATE TABLE t AS SELECT generate_series(1, 100) AS n")
    bench.clusters.stop(spec.id)
    bench.clusters.stop(spec.id)
    state = bench.clusters.state(spec.id)
    assert state is not None
    assert (state.running, state.reason) == (False, "")
    bench.clusters.start(spec)
    assert bench.sql(spec, "SELECT sum(n) FROM t") == [(5050,)]


def test_waking_leaves_one_that_runs_and_one_that_was_stopped_as_they_are(bench: Bench) -> None:
    spec = bench.running()
    before = bench.clusters.state(spec.id)
    assert before is not None
    bench.clusters.wake(spec.id)
    after = bench.clusters.state(spec.id)
    assert after is not None
    assert (after.running, after.pid) == (True, before.pid)
    bench.clusters.stop(spec.id)
    bench.clusters.wake(spec.id)
    stopped = bench.clusters.state(spec.id)
    assert stopped is not None
    assert not stopped.running


def test_waking_brings_one_back_that_was_killed(on_this_machine: Bench) -> None:
    spec = on_this_machine.running()
    on_this_machine.sql(spec, "CREATE TABLE t AS SELECT 1 AS n")
    before = on_this_machine.clusters.state(spec.id)
    assert before is not None
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: not getattr(on_this_machine.clusters.state(spec.id), "running", True))
    on_this_machine.clusters.wake(spec.id)
    assert on_this_machine.sql(spec, "SELECT n FROM t") == [(1,)]


def test_a_removed_cluster_is_unknown(bench: Bench) -> None:
    spec = bench.running()
    bench.clusters.remove(spec.id)
    bench.clusters.remove(spec.id)
    assert bench.clusters.state(spec.id) is None
    with pytest.raises(NotFound) as caught:
        bench.clusters.start(spec)
    assert caught.value.code == "cluster_missing"


def test_a_copy_of_a_running_cluster_goes_its_own_way(on_this_machine: Bench) -> None:
    bench = on_this_machine
    spec, other = bench.running(), bench.spec()
    bench.sql(spec, "CREATE TABLE t AS SELECT 1 AS n")
    bench.clusters.copy(spec.id, other.id)
    bench.sql(spec, "DROP TABLE t")
    bench.clusters.start(other)
    assert bench.sql(other, "SELECT n FROM t") == [(1,)]


def test_a_copy_of_a_stopped_cluster_goes_its_own_way(on_this_machine: Bench) -> None:
    bench = on_this_machine
    spec, other = bench.running(), bench.spec()
    bench.sql(spec, "CREATE TABLE t AS SELECT 1 AS n")
    bench.clusters.stop(spec.id)
    bench.clusters.copy(spec.id, other.id)
    bench.clusters.start(other)
    bench.sql(other, "DROP TABLE t")
    bench.clusters.start(spec)
    assert bench.sql(spec, "SELECT n FROM t") == [(1,)]


def test_an_adopted_folder_becomes_a_cluster(on_this_machine: Bench, folder: Path) -> None:
    bench = on_this_machine
    spec, other = bench.running(), bench.spec()
    bench.sql(spec, "CREATE TABLE t AS SELECT 1 AS n")
    bench.clusters.stop(spec.id)
    shutil.copytree(bench.clusters.folder(spec.id) / "data", folder / "restored")
    bench.clusters.adopt(other.id, folder / "restored")
    assert not (folder / "restored").exists()
    bench.clusters.start(other)
    assert bench.sql(other, "SELECT n FROM t") == [(1,)]
    with pytest.raises(Conflict) as caught:
        bench.clusters.adopt(other.id, bench.clusters.folder(spec.id) / "data")
    assert caught.value.code == "cluster_exists"


def test_data_of_another_version_is_refused_with_a_hint(on_this_machine: Bench) -> None:
    bench = on_this_machine
    spec = bench.spec()
    bench.clusters.create(spec)
    (bench.clusters.folder(spec.id) / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(CanonryError) as caught:
        bench.clusters.start(spec)
    assert caught.value.code == "database_version"
    assert "12" in caught.value.message
    assert caught.value.hint


def test_the_size_grows_with_the_data(bench: Bench) -> None:
    spec = bench.running()
    before = bench.clusters.size_bytes(spec.id)
    bench.sql(spec, "CREATE TABLE t AS SELECT repeat('x', 1000) AS text FROM generate_series(1, 5000)")
    assert before > 1 << 20
    assert bench.clusters.size_bytes(spec.id) > before + (4 << 20)
    assert bench.clusters.version(spec.id) >= 18


def test_while_stopped_nobody_gets_in(bench: Bench) -> None:
    spec = bench.running()
    url = bench.login(spec)
    bench.clusters.stop(spec.id)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    bench.clusters.start(spec)
    assert _execute(url, "SELECT 1") == [(1,)]


def test_settings_of_a_specification_hold(bench: Bench) -> None:
    spec = replace(bench.spec(), settings={"work_mem": "7MB"}, tier=replace(TIERS["small"], connections=2))
    bench.clusters.create(spec)
    bench.clusters.start(spec)
    url = bench.login(spec)
    assert _execute(url, "SHOW work_mem") == [("7MB",)]
    with psycopg.connect(url), psycopg.connect(url), pytest.raises(psycopg.OperationalError, match=r"too many|remaining"):
        psycopg.connect(url)
    bench.clusters.start(replace(spec, settings={"work_mem": "8MB"}))
    assert _execute(url, "SHOW work_mem") == [("8MB",)]


def test_what_an_outside_server_cannot_do_is_refused(outside: Clusters, tmp_path: Path) -> None:
    assert not outside.can_restore
    assert outside.sleep("db_1") is False
    calls: list[Callable[[], object]] = [
        lambda: outside.copy("db_1", "db_2"),
        lambda: outside.adopt("db_1", tmp_path),
        lambda: outside.folder("db_1"),
        lambda: outside.upgrade("db_1"),
        lambda: outside.start(ClusterSpec("db_1", 1, public=True)),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.code == "not_on_outside_server"
        assert caught.value.hint


def test_an_outside_server_that_does_not_answer_is_an_error_that_says_so() -> None:
    settings = Settings(databases_url=Secret("postgresql://admin:hidden@127.0.0.1:1/postgres"))
    clusters = make_clusters(settings, Home(settings.home_path))
    with pytest.raises(Unavailable) as caught:
        clusters.create(ClusterSpec("db_1", 1))
    assert caught.value.code == "database_server_unavailable"
    assert "hidden" not in str(caught.value)
    state = clusters.state("db_1")
    assert state is not None
    assert (state.running, clusters.states()) == (False, [])
    assert state.reason
