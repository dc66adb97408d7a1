"""Sleeping and waking: a client notices a delay, and nobody is put to sleep who is needed."""

import threading
import time

import psycopg

from canonry.ports.clusters import ClusterState
from tests.adapters.clusters.conftest import Machine, execute, url, wait


def _state(machine: Machine, cluster_id: str) -> ClusterState:
    state = machine.clusters.state(cluster_id)
    assert state is not None
    return state


def test_a_sleeping_cluster_is_woken_by_the_next_client(machine: Machine) -> None:
    spec = machine.running()
    machine.sql(spec, "CREATE TABLE t AS SELECT 1 AS n; GRANT SELECT ON t TO app")
    machine.clusters.round()
    assert machine.clusters.sleep(spec.id)
    assert machine.clusters.sleep(spec.id)
    asleep = _state(machine, spec.id)
    assert (asleep.running, asleep.asleep, asleep.reason, asleep.pid) == (False, True, "", None)
    assert execute(url(spec), "SELECT n FROM t") == [(1,)]
    awake = _state(machine, spec.id)
    assert (awake.running, awake.asleep) == (True, False)


def test_many_clients_wake_it_once(machine: Machine) -> None:
    spec = machine.running()
    machine.clusters.round()
    assert machine.clusters.sleep(spec.id)
    found: list[object] = []
    query = "SELECT pg_postmaster_start_time()"
    clients = [threading.Thread(target=lambda: found.append(execute(url(spec), query)[0][0])) for _ in range(30)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
    assert len(found) == 30
    assert len(set(found)) == 1


def test_it_is_woken_while_canonry_does_not_run(machine: Machine) -> None:
    spec = machine.running()
    assert machine.clusters.sleep(spec.id)  # nobody has called round(), so nobody listens
    assert execute(url(spec), "SELECT 1") == [(1,)]


def test_it_is_woken_after_canonry_was_killed_and_left_its_socket(machine: Machine) -> None:
    spec = machine.running()
    machine.clusters.round()
    machine.clusters.close()
    (machine.home.run / "wake.sock").touch()
    assert machine.clusters.sleep(spec.id)
    assert execute(url(spec), "SELECT 1") == [(1,)]


def test_a_cluster_in_use_stays_awake(machine: Machine) -> None:
    spec = machine.running()
    with psycopg.connect(url(spec)) as client:
        assert not machine.clusters.sleep(spec.id)
        assert client.execute("SELECT 1").fetchone() == (1,)
        assert _state(machine, spec.id).last_used > time.time() - 5
    with psycopg.connect(machine.clusters.admin_url(spec.id).reveal()):  # a backup, for one
        wait(lambda: machine.clusters._gateway.look()[spec.port].clients == 0)
        assert not machine.clusters.sleep(spec.id)
    assert execute(url(spec), "SELECT 1") == [(1,)]
    assert _state(machine, spec.id).running


def test_a_cluster_that_may_not_sleep_does_not(machine: Machine) -> None:
    spec = machine.running(sleeps=False)
    assert not machine.clusters.sleep(spec.id)
    assert _state(machine, spec.id).running


def test_a_stopped_cluster_is_not_woken(machine: Machine) -> None:
    spec = machine.running()
    machine.clusters.round()
    machine.clusters.stop(spec.id)
    try:
        psycopg.connect(url(spec), connect_timeout=2).close()
    except psycopg.OperationalError:
        pass
    else:
        raise AssertionError("somebody let the client in")
    state = _state(machine, spec.id)
    assert (state.running, state.asleep) == (False, False)


def test_when_it_was_last_used_is_known(machine: Machine) -> None:
    spec = machine.running()
    assert _state(machine, spec.id).last_used == 0
    before = time.time()
    execute(url(spec), "SELECT 1")
    wait(lambda: machine.clusters._gateway.look()[spec.port].clients == 0)
    assert before - 1 <= _state(machine, spec.id).last_used <= time.time()
