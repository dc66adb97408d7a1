"""The contract of `ports.runtime.Runtime`, over every adapter. The commands are plain shell that both understand."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canonry.adapters.runtime.memory import MemoryRuntime
from canonry.adapters.runtime.process import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra import cgroups, sandbox
from canonry.ports.errors import StartFailed
from canonry.ports.runtime import InstanceSpec, InstanceState, Resources, Runtime

INS = f"ins_{secrets.token_hex(4)}_"  # ids are unique on the machine: another run of the tests may be under way


@dataclass
class Bench:
    """One adapter under test. again: makes the runtime a restarted Canonry would have."""

    runtime: Runtime
    again: Callable[[], Runtime]
    folder: Path

    def spec(self, name: str, command: str, *, needs_port: bool = True) -> InstanceSpec:
        return InstanceSpec(id=f"{INS}{name}", app=self.folder / "app", command=command, environment={"PATH": "/usr/bin:/bin"},
                            log=self.folder / "logs" / f"{INS}{name}.log", resources=Resources(memory_mb=64), needs_port=needs_port,
                            labels={"project": "prj_1", "process": "web"})  # fmt: skip

    def ended(self, instance_id: str) -> InstanceState:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            state = self.runtime.state(instance_id)
            assert state is not None
            if not state.running:
                return state
            time.sleep(0.01)
        raise AssertionError(f"{instance_id} still runs")

    def logged(self, spec: InstanceSpec, text: str) -> None:
        deadline = time.monotonic() + 60
        while not (spec.log.exists() and text in spec.log.read_text()):
            assert time.monotonic() < deadline, spec.log.read_text() if spec.log.exists() else "no log"
            time.sleep(0.01)


@pytest.fixture(params=["process", "process without cgroups", "process without sandbox", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "a home"
    (folder / "app").mkdir(parents=True)
    if request.param == "memory":
        runtime = MemoryRuntime()
        yield Bench(runtime, lambda: MemoryRuntime(runtime.machine), folder)
        everything: list[Runtime] = [runtime]
    else:
        home = Home(folder / "home")
        home.create()
        opened: list[ProcessRuntime] = []

        def make() -> Runtime:
            settings = Settings(home=home.root, allow_no_sandbox=True)
            why_no_sandbox = (lambda: "forbidden by the test") if "sandbox" in request.param else sandbox.why_unavailable
            make_group = (lambda *_: None) if "cgroups" in request.param else cgroups.create
            opened.append(ProcessRuntime(home, settings, why_no_sandbox, make_group))
            return opened[-1]

        yield Bench(make(), make, folder)
        everything = list(opened)
    for state in everything[0].states():
        everything[0].stop(state.id, 0)
        everything[0].forget(state.id)
    for each in everything:
        if isinstance(each, ProcessRuntime):
            each.close()


def test_a_started_instance_runs_and_says_what_it_was_given(bench: Bench) -> None:
    before = time.time()
    state = bench.runtime.start(bench.spec("a", "sleep 60"))
    assert state.running
    assert (state.id, state.labels) == (f"{INS}a", {"project": "prj_1", "process": "web"})
    assert state.exit_code is None
    assert state.reason == ""
    assert before - 1 <= state.started <= time.time()


def test_starting_twice_starts_once(bench: Bench) -> None:
    spec = bench.spec("a", "echo started; sleep 60")
    first = bench.runtime.start(spec)
    bench.logged(spec, "started")
    again = bench.runtime.start(spec)
    assert (again.address, again.started) == (first.address, first.started)
    time.sleep(0.1)
    assert spec.log.read_text() == "started\n"


def test_two_threads_that_start_the_same_id_start_it_once(bench: Bench) -> None:
    spec = bench.spec("a", "echo started; sleep 60")
    found: list[InstanceState] = []
    threads = [threading.Thread(target=lambda: found.append(bench.runtime.start(spec))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.logged(spec, "started")
    time.sleep(0.1)
    assert spec.log.read_text() == "started\n"
    assert len({state.address for state in found}) == 1


def test_instances_get_different_ports(bench: Bench) -> None:
    states = [bench.runtime.start(bench.spec(str(number), "sleep 60")) for number in range(5)]
    addresses = {state.address for state in states}
    assert len(addresses) == 5
    assert all(address and address.startswith("127.0.0.1:") for address in addresses)


def test_an_instance_without_a_port_has_no_address(bench: Bench) -> None:
    assert bench.runtime.start(bench.spec("a", "sleep 60", needs_port=False)).address is None


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_is_reported_with_its_code(bench: Bench, code: int) -> None:
    bench.runtime.start(bench.spec("a", f"exit {code}"))
    state = bench.ended(f"{INS}a")
    assert (state.exit_code, state.reason) == (code, f"exited with code {code}")
    assert (state.memory_bytes, state.cpu_seconds, state.pid) == (0, 0, None)


def test_a_command_that_does_not_exist_ends_with_127_and_a_reason(bench: Bench) -> None:
    spec = bench.spec("a", "no-such-command --at-all")
    bench.runtime.start(spec)
    state = bench.ended(f"{INS}a")
    assert state.exit_code == 127
    assert state.reason == "exited with code 127: the command was not found"
    bench.logged(spec, "no-such-command: not found")


def test_output_is_appended_to_the_log(bench: Bench) -> None:
    spec = bench.spec("a", "echo one; echo two")
    spec.log.parent.mkdir(parents=True)
    spec.log.write_text("before\n")
    bench.runtime.start(spec)
    bench.ended(f"{INS}a")
    assert spec.log.read_text() == "before\none\ntwo\n"


def test_stop_ends_it_at_once_and_may_be_called_again(bench: Bench) -> None:
    spec = bench.spec("a", "echo up; sleep 60")
    bench.runtime.start(spec)
    bench.logged(spec, "up")
    bench.runtime.stop(f"{INS}a", 100)
    state = bench.runtime.state(f"{INS}a")
    assert state is not None
    assert (state.running, state.reason, state.exit_code) == (False, "stopped", 143)
    bench.runtime.stop(f"{INS}a", 10)
    assert bench.runtime.state(f"{INS}a") == state


def test_stop_right_after_start_ends_it(bench: Bench) -> None:
    for number in range(5):
        bench.runtime.start(bench.spec(str(number), "sleep 60"))
        bench.runtime.stop(f"{INS}{number}", 10)
        state = bench.runtime.state(f"{INS}{number}")
        assert state is not None
        assert not state.running


def test_stop_waits_for_the_grace_time_then_kills(bench: Bench) -> None:
    spec = bench.spec("a", "trap '' TERM; echo deaf; sleep 60")
    bench.runtime.start(spec)
    bench.logged(spec, "deaf")
    began = time.monotonic()
    bench.runtime.stop(f"{INS}a", 0.5)
    assert 0.5 <= time.monotonic() - began < 50
    state = bench.runtime.state(f"{INS}a")
    assert state is not None
    assert (state.running, state.exit_code) == (False, 137)
    assert state.reason == "stopped: killed, it had not ended 0.5 s after SIGTERM"


def test_what_nobody_knows_is_none_and_stops_and_is_forgotten_without_error(bench: Bench) -> None:
    assert bench.runtime.state(f"{INS}none") is None
    assert bench.runtime.states() == []
    bench.runtime.stop(f"{INS}none", 1)
    bench.runtime.forget(f"{INS}none")


def test_an_ended_instance_is_known_until_it_is_forgotten(bench: Bench) -> None:
    spec = bench.spec("a", "echo bye")
    bench.runtime.start(spec)
    bench.ended(f"{INS}a")
    assert [state.id for state in bench.runtime.states()] == [f"{INS}a"]
    bench.runtime.forget(f"{INS}a")
    bench.runtime.forget(f"{INS}a")
    assert bench.runtime.states() == []
    assert spec.log.read_text() == "bye\n"


def test_a_running_instance_is_not_forgotten(bench: Bench) -> None:
    bench.runtime.start(bench.spec("a", "sleep 60"))
    bench.runtime.forget(f"{INS}a")
    state = bench.runtime.state(f"{INS}a")
    assert state is not None
    assert state.running


def test_a_restarted_canonry_finds_what_runs_and_what_ended(bench: Bench) -> None:
    before = bench.runtime.start(bench.spec("runs", "sleep 60"))
    bench.runtime.start(bench.spec("ended", "exit 4"))
    bench.ended(f"{INS}ended")
    again = bench.again()
    found = {state.id: state for state in again.states()}
    assert set(found) == {f"{INS}runs", f"{INS}ended"}
    assert (found[f"{INS}runs"].running, found[f"{INS}runs"].address, found[f"{INS}runs"].labels) == (True, before.address, before.labels)
    assert (found[f"{INS}ended"].running, found[f"{INS}ended"].exit_code) == (False, 4)
    again.stop(f"{INS}runs", 5)
    state = bench.runtime.state(f"{INS}runs")
    assert state is not None
    assert not state.running


def test_a_missing_app_is_refused_before_anything_is_started(bench: Bench) -> None:
    spec = replace(bench.spec("a", "sleep 60"), app=bench.folder / "not there")
    with pytest.raises(StartFailed) as caught:
        bench.runtime.start(spec)
    assert caught.value.code == "app_missing"
    assert caught.value.hint
    assert bench.runtime.states() == []


def test_run_returns_the_exit_code_and_each_line(bench: Bench) -> None:
    lines: list[str] = []
    assert bench.runtime.run(bench.spec("a", "echo one; echo two words; exit 5", needs_port=False), lines.append, 10) == 5
    assert lines == ["one", "two words"]
    assert bench.runtime.states() == []


def test_run_ends_after_its_time_with_124(bench: Bench) -> None:
    lines: list[str] = []
    began = time.monotonic()
    assert bench.runtime.run(bench.spec("a", "echo one; sleep 60", needs_port=False), lines.append, 0.3) == 124
    assert time.monotonic() - began < 50
    assert lines == ["one", "killed: it had not ended after 0.3 s"]
    assert bench.runtime.states() == []
