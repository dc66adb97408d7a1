"""Major versions: data runs with its own programs, and moves to others with pg_upgrade.

Quick here: what is upgraded goes from our version to it. Between two real majors: test_upgrading.py.
"""

from pathlib import Path

import pytest

from canonry.adapters.clusters.process import upgrading
from canonry.adapters.clusters.process.folders import Place
from canonry.core.errors import Conflict, Unavailable
from canonry.infra.postgres.programs import major_version, unpack
from canonry.ports.clusters import ClusterSpec
from tests.adapters.clusters.conftest import Machine, execute, url


def _upgrade(machine: Machine, spec: ClusterSpec) -> None:
    programs = unpack(machine.home.toolchains)
    upgrading.upgrade(Place(machine.clusters.folder(spec.id)), spec, programs, programs)


def test_an_upgraded_cluster_has_its_data_roles_and_passwords(machine: Machine) -> None:
    spec = machine.running()
    execute(url(spec), "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n; CREATE INDEX ON t (n)")
    machine.sql(spec, "CREATE EXTENSION pg_trgm")
    before = machine.sql(spec, "SELECT system_identifier FROM pg_control_system()")
    machine.clusters.stop(spec.id)
    _upgrade(machine, spec)
    machine.clusters.start(spec)
    assert machine.sql(spec, "SELECT system_identifier FROM pg_control_system()") != before
    assert execute(url(spec), "SELECT sum(n) FROM t") == [(500_500,)]
    assert machine.sql(spec, "SELECT similarity('canonry', 'canonry')") == [(1.0,)]
    assert machine.sql(spec, "SHOW data_checksums") == [("on",)]
    folder = machine.clusters.folder(spec.id)
    assert (folder / "spool" / "GAP").read_text().endswith(" upgrade\n")
    assert not list(folder.glob("*.tmp"))


def test_an_upgrade_that_is_refused_leaves_everything_as_it_was(machine: Machine) -> None:
    spec = machine.running()
    execute(url(spec), "CREATE TABLE t AS SELECT 'now'::regproc AS n")  # numbers of functions, which are others afterwards
    machine.clusters.stop(spec.id)
    with pytest.raises(Unavailable) as caught:
        _upgrade(machine, spec)
    assert caught.value.code == "upgrade_failed"
    assert "reg" in caught.value.message
    machine.clusters.start(spec)
    assert execute(url(spec), "SELECT n::text FROM t") == [("now",)]
    assert not list(machine.clusters.folder(spec.id).glob("*.tmp"))


def test_one_that_runs_or_is_up_to_date_is_left_alone(machine: Machine) -> None:
    spec = machine.running()
    with pytest.raises(Conflict) as caught:
        machine.clusters.upgrade(spec.id)
    assert caught.value.code == "cluster_running"
    machine.clusters.stop(spec.id)
    assert machine.clusters.upgrade(spec.id) == major_version(unpack(machine.home.toolchains))
    assert not (machine.clusters.folder(spec.id) / "spool" / "GAP").exists()


def test_data_of_an_older_version_runs_with_the_programs_of_then(machine: Machine, tmp_path: Path) -> None:
    """A Canonry that brings a newer PostgreSQL: what an earlier one unpacked is still there."""
    spec = machine.running()
    real = unpack(machine.home.toolchains)
    (tmp_path / "postgresql-99.1").symlink_to(real.parent)
    newer = machine.again()
    newer._find_programs = lambda _toolchains: tmp_path / "postgresql-99.1" / "bin"
    newer.stop(spec.id)
    assert newer.start(spec).running
    assert execute(url(spec), "SELECT current_setting('server_version_num')::int / 10000") == [(major_version(real),)]
    command = Path(f"/proc/{machine.postmaster(spec)}/cmdline").read_text()
    assert str(real) in command
