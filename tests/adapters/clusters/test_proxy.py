"""What clients of a database notice: nothing, whatever happens behind its port."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from canonry.adapters.clusters import proxy
from canonry.core.errors import Conflict
from canonry.ports.clusters import ClusterSpec
from tests.adapters.clusters.conftest import Machine, execute, url, wait


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_clients_connect_by_every_name_of_this_machine(machine: Machine, host: str) -> None:
    spec = machine.shared()
    assert execute(f"postgresql://app_1:secret@/app?host={host}&port={spec.port}", "SELECT current_user, session_user") == [
        ("app", "app_1")
    ]


def test_much_data_comes_through_in_both_directions(machine: Machine) -> None:
    spec = machine.shared()
    rows, text = 300, "0123456789abcdef" * 4096
    with psycopg.connect(url(spec)) as connection:
        connection.execute("CREATE TABLE much (n int, text text)")
        with connection.cursor().copy("COPY much FROM STDIN") as copy:
            for number in range(rows):
                copy.write_row((number, text))
        with connection.cursor().copy("COPY much TO STDOUT") as copy:
            received = sum(len(piece) for piece in copy)
        assert received > rows * len(text)
        assert connection.execute("SELECT count(*), min(md5(text)) = md5(%s) FROM much", [text]).fetchone() == (rows, True)


def test_a_client_that_reads_slowly_holds_up_nobody_else(machine: Machine) -> None:
    spec = machine.shared()
    with (
        psycopg.connect(url(spec)) as slow,
        slow.cursor().copy("COPY (SELECT repeat('x', 1000000) FROM generate_series(1, 50)) TO STDOUT") as copy,
    ):
        next(iter(copy))
        assert execute(url(spec), "SELECT 1") == [(1,)]
        assert sum(len(piece) for piece in copy) > 30_000_000


def test_a_statement_can_be_cancelled(machine: Machine) -> None:
    spec = machine.shared()
    with psycopg.connect(url(spec)) as connection:
        threading.Timer(0.3, connection.cancel_safe).start()
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(40)")
        assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "wanted", ["user=canonry", "user=app_1 password=secret replication=database", "user=app_1 password=secret replication=true"]
)
def test_the_superuser_and_replication_stay_outside(machine: Machine, wanted: str) -> None:
    spec = machine.shared()
    with pytest.raises(psycopg.OperationalError, match="own socket only"):
        psycopg.connect(f"host=localhost port={spec.port} dbname=app {wanted}")


@pytest.mark.parametrize("begin", [b"GET / HTTP/1.1\r\n\r\n", struct.pack("!II", 9_000_000, 3 << 16), bytes(8)])
def test_a_stranger_to_the_protocol_is_let_go(machine: Machine, begin: bytes) -> None:
    spec = machine.shared()
    with socket.create_connection(("127.0.0.1", spec.port), timeout=10) as client:
        client.sendall(begin)
        assert client.recv(100) == b""
    assert execute(url(spec), "SELECT 1") == [(1,)]


def test_a_client_waits_while_its_server_is_restarted(machine: Machine) -> None:
    spec = machine.running()
    machine.clusters.stop(spec.id)
    answers: list[object] = []
    clients = [threading.Thread(target=lambda: answers.append(execute(url(spec), "SELECT 1"))) for _ in range(10)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    assert not answers
    machine.clusters.start(spec)
    for client in clients:
        client.join(60)
    assert answers == [[(1,)]] * 10


def test_another_cluster_takes_a_port_over_while_clients_wait(machine: Machine) -> None:
    """The switch of a restored database: whoever connects during it waits, and comes out at the new one."""
    old, new = machine.running(), machine.running()
    machine.sql(new, "CREATE TABLE here AS SELECT 'new' AS name; GRANT SELECT ON here TO app")
    moved = ClusterSpec(new.id, old.port)
    machine.clusters.stop(old.id)
    answers: list[object] = []
    client = threading.Thread(target=lambda: answers.append(execute(url(old), "SELECT name FROM here")))
    client.start()
    machine.clusters.stop(new.id)
    machine.clusters.start(moved)
    client.join(60)
    assert answers == [[("new",)]]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", new.port), timeout=5)
    with pytest.raises(Conflict) as caught:
        machine.clusters.start(old)
    assert caught.value.code == "port_taken"


def test_a_server_that_dies_is_started_by_the_next_client(machine: Machine) -> None:
    spec = machine.running()
    machine.clusters.round()
    for _ in range(2):
        os.kill(machine.postmaster(spec), signal.SIGKILL)
        assert execute(url(spec), "SELECT 1") == [(1,)]


def test_a_start_right_after_a_kill_is_no_start_of_something_that_runs(machine: Machine) -> None:
    spec = machine.running()
    os.kill(machine.postmaster(spec), signal.SIGKILL)
    machine.clusters.start(spec)
    assert machine.sql(spec, "SELECT 1") == [(1,)]


def test_a_proxy_that_dies_is_there_again(machine: Machine) -> None:
    spec = machine.shared()
    before = machine.proxy()
    os.kill(before, signal.SIGKILL)
    wait(lambda: not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE)
    machine.clusters.round()
    assert execute(url(spec), "SELECT 1") == [(1,)]
    assert machine.proxy() != before


def test_a_port_that_somebody_else_has_is_refused(machine: Machine) -> None:
    spec = machine.spec()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", spec.port))
        stranger.listen()
        with pytest.raises(Conflict) as caught:
            machine.clusters.create(spec)
        assert caught.value.code == "port_taken"
        assert str(os.getpid()) in caught.value.message
    machine.clusters.create(spec)
    machine.clusters.start(spec)


def test_from_outside_only_with_tls_and_only_when_asked(machine: Machine) -> None:
    addresses = [item.address for items in psutil.net_if_addrs().values() for item in items if item.family == socket.AF_INET]
    address = next(text for text in addresses if not text.startswith("127."))
    closed, spec = machine.running(), machine.running(public=True)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url(closed, address))
    with pytest.raises(psycopg.OperationalError, match="encrypted connections only"):
        psycopg.connect(url(spec, address) + "?sslmode=disable")
    with psycopg.connect(url(spec, address) + "?sslmode=require") as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT length(repeat('x', 3000000))").fetchone() == (3_000_000,)
        assert connection.execute("SELECT repeat('x', 3000000)").fetchone() == ("x" * 3_000_000,)
    with pytest.raises(psycopg.OperationalError, match="own socket only"):
        psycopg.connect(url(spec, address).replace("app_1", "canonry") + "?sslmode=require")
    assert execute(url(spec), "SELECT 1") == [(1,)]
    machine.clusters.start(ClusterSpec(spec.id, spec.port))
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url(spec, address) + "?sslmode=require")


def test_the_proxy_imports_nothing_of_canonry_but_itself() -> None:
    source = str(Path(proxy.__file__).parents[4])
    code = f"import sys; sys.path.insert(0, {source!r}); import canonry.adapters.clusters.proxy.main; print(*sorted(sys.modules))"
    names = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in names if name.startswith("canonry")}
    own = "canonry.adapters.clusters.proxy"
    assert {name for name in ours if not name.startswith(own)} == {"canonry", "canonry.adapters", "canonry.adapters.clusters"}
    assert not {"asyncio", "ssl", "pathlib", "json", "logging", "psycopg", "subprocess", "threading"} & set(names)
