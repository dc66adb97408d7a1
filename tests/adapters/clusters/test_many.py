"""Two hundred databases on one machine."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from canonry.adapters.clusters.process import template
from canonry.core.ids import new_id
from canonry.ports.clusters import ClusterSpec
from tests.adapters.clusters.conftest import Machine

_COUNT = 200


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_databases_on_one_machine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them run, half of them sleep; any of them answers, and the machine has room for them."""
    monkeypatch.setattr(template, "sync_file_system", lambda _folder: None)  # no power cut is looked at here, and it is 8 GB
    monkeypatch.setattr("canonry.adapters.clusters.process.clusters._PORTS", range(10_000, 15_000))  # those of others' databases are few
    ports: set[int] = set()
    for _ in range(_COUNT):
        ports.add(machine.clusters.free_port(ports))
    specs = [ClusterSpec(new_id("db"), port) for port in sorted(ports)]
    machine.made += [spec.id for spec in specs]
    clusters = machine.clusters
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(clusters.create, specs))
        list(pool.map(clusters.start, specs))
        states = clusters.states()
        assert sum(state.running for state in states) == _COUNT
        assert len({state.pid for state in states}) == _COUNT
        assert all(pool.map(clusters.sleep, [spec.id for spec in specs[::2]]))
        assert sum(state.asleep for state in clusters.states()) == _COUNT // 2
        clusters.round()
        answers = pool.map(lambda spec: machine.sql(spec, "SELECT current_database()"), specs[1::10])
        assert list(answers) == [[("app",)]] * len(specs[1::10])
        list(pool.map(clusters.remove, machine.made))
    machine.made.clear()
    assert clusters.states() == []
