"""Instances outlive Canonry, whatever end it comes to, and nothing is left behind."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from canonry.adapters.runtime.process import processes
from canonry.infra import cgroups
from canonry.infra.app_logs import read
from tests.adapters.runtime.conftest import INS, Place

_ROOT = Path(__file__).parents[3]
_CANONRY = """
import sys, time
from pathlib import Path
from canonry.adapters.runtime.process import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.runtime import InstanceSpec, Resources
home, app, command = Home(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
runtime = ProcessRuntime(home, Settings(home=home.root))
name = sys.argv[4]
spec = InstanceSpec(name, app, command, {"PATH": "/usr/bin:/bin"}, home.instance_logs / f"{name}.log", Resources(64), labels={"k": "v"})
print(runtime.start(spec).address, flush=True)
time.sleep(600)
"""


@pytest.fixture
def killed_canonry(place: Place) -> Callable[[str, Callable[[], None]], str]:
    """Start another Python that starts the instance `a`, do something, kill -9 it; the address it was told."""

    def run(command: str, meanwhile: Callable[[], None]) -> str:
        argv = [sys.executable, "-c", _CANONRY, str(place.home.root), str(place.app), command, f"{INS}a"]
        with subprocess.Popen(argv, env={"PYTHONPATH": str(_ROOT / "src")}, stdout=subprocess.PIPE, text=True) as canonry:
            assert canonry.stdout
            address = canonry.stdout.readline().strip()
            meanwhile()
            canonry.kill()
        return address

    return run


def test_an_instance_outlives_a_killed_canonry_and_is_found_again(place: Place, killed_canonry: Callable[..., str]) -> None:
    address = killed_canonry("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done", lambda: place.said("a", "5\n"))
    [state] = place.open().states()
    assert (state.running, state.address, state.labels) == (True, address, {"k": "v"})
    seen = len(place.output("a").splitlines())
    place.wait(lambda: len(place.output("a").splitlines()) > seen + 20)
    place.runtime.stop(f"{INS}a", 5)
    lines = place.output("a").splitlines()
    assert lines == [str(number + 1) for number in range(len(lines))]


def test_an_exit_while_canonry_is_down_is_known_with_its_code(place: Place, killed_canonry: Callable[..., str]) -> None:
    killed_canonry("echo up; sleep 0.5; exit 6", lambda: place.said("a", "up"))
    time.sleep(0.6)
    place.wait(lambda: processes.marked(f"{INS}a") == [])
    [state] = place.open().states()
    assert (state.running, state.exit_code, state.reason) == (False, 6, "exited with code 6")


def test_a_memory_kill_while_canonry_is_down_is_known_too(place: Place, killed_canonry: Callable[..., str]) -> None:
    killed_canonry("echo up; sleep 0.3; head -c 300000000 /dev/zero | tail", lambda: place.said("a", "up"))
    place.wait(lambda: processes.marked(f"{INS}a") == [])
    [state] = place.open().states()
    assert state.reason == ("killed: over 64 MiB of memory" if not cgroups.why_unavailable() else "exited with code 0")


def test_a_number_that_went_to_another_process_is_not_taken_for_the_instance(place: Place) -> None:
    place.runtime.start(place.spec("a", "echo up; sleep 60"))
    place.said("a", "up")
    record = place.runtime._records.read(f"{INS}a")
    assert record is not None
    with subprocess.Popen(["/bin/sleep", "30"]) as stranger:
        place.runtime.stop(f"{INS}a", 5)
        forged = {**json.loads((place.home.instances / f"{INS}a" / "state.json").read_text()), "phase": "running", "pid": stranger.pid}
        (place.home.instances / f"{INS}a" / "state.json").write_text(json.dumps(forged))
        runtime = place.open()
        assert [state.running for state in runtime.states()] == [False]
        runtime.stop(f"{INS}a", 0)
        assert stranger.poll() is None
        stranger.kill()


def test_after_a_restart_of_the_machine_everything_has_ended(place: Place) -> None:
    place.runtime.start(place.spec("a", "exit 0"))
    place.ended("a")
    place.runtime.close()  # it may be noticing the end right now
    file = place.home.instances / f"{INS}a" / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "phase": "running", "boot": "another", "exit_code": None}))
    [state] = place.open().states()
    assert (state.running, state.exit_code, state.reason) == (False, None, "the machine was restarted")


def test_a_record_that_a_power_cut_spoiled_is_removed(place: Place) -> None:
    (place.home.instances / f"{INS}a").mkdir()
    (place.home.instances / f"{INS}a" / "state.json").write_bytes(b"")
    assert place.runtime.states() == []
    assert not (place.home.instances / f"{INS}a").exists()


@pytest.mark.parametrize(("what", "stride"), [("start", 7), ("stop", 11)])
def test_a_kill_at_any_step_leaves_nothing_or_an_instance_that_is_found(tmp_path: Path, what: str, stride: int) -> None:
    argv = [sys.executable, str(Path(__file__).with_name("crash_at_each_step.py")), str(tmp_path / "home"), what, str(stride)]
    result = subprocess.run(argv, env={"PYTHONPATH": str(_ROOT / "src")}, capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["wrong"] == []
    assert report["steps"] > 10
    assert report["outcomes"].get("running", 0) > 0


def test_a_release_command_does_not_outlive_canonry(place: Place) -> None:
    code = _CANONRY.replace("print(runtime.start(spec).address, flush=True)", "runtime.run(spec, lambda line: print(line, flush=True), 60)")
    argv = [sys.executable, "-c", code, str(place.home.root), str(place.app), "echo up; sleep 60", f"{INS}a"]
    with subprocess.Popen(argv, env={"PYTHONPATH": str(_ROOT / "src")}, stdout=subprocess.PIPE, text=True) as canonry:
        assert canonry.stdout
        assert canonry.stdout.readline() == "up\n"
        canonry.kill()
    place.wait(lambda: processes.marked(f"{INS}a") == [])
    assert place.open().states() == []
    assert cgroups.find(f"{INS}a") is None
    assert not (place.home.instances / f"{INS}a").exists()


def test_a_hundred_quick_starts_and_stops_leave_nothing(place: Place) -> None:
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208
    groups, before = set(cgroups.names(f"{INS}quick")), _dead_children()
    for number in range(100):
        place.runtime.start(place.spec(f"quick{number}", "sleep 60"))
        place.runtime.stop(f"{INS}quick{number}", 5)
        place.runtime.forget(f"{INS}quick{number}")
    gc.collect()
    assert [path.name for path in place.home.instances.iterdir()] == [".ports"]
    assert set(cgroups.names(f"{INS}quick")) == groups
    assert _dead_children() <= before  # other tests of this process may have left some
    place.wait(lambda: len(os.listdir("/proc/self/fd")) <= descriptors + 2)  # noqa: PTH208
    assert threading.active_count() <= threads + 1


def _dead_children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE}


def test_waiting_for_instances_steals_no_exit_code_of_other_children(place: Place) -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 0.3; exit 9"]) as other:
        for number in range(5):
            place.runtime.start(place.spec(str(number), "exit 1"))
        for number in range(5):
            place.ended(str(number))
        assert other.wait() == 9


def test_a_start_does_not_wait_for_the_app(place: Place) -> None:
    place.runtime.start(place.spec("first", "sleep 60"))
    times = []
    for number in range(15):
        began = time.perf_counter()
        place.runtime.start(place.spec(str(number), "sleep 60"))
        times.append(time.perf_counter() - began)
    assert sorted(times)[2] < 20  # 5 ms on a quiet machine; deploys as a whole are measured by bench/deploy.py


@pytest.mark.criterion("running-canonry#no-line-lost")
def test_no_line_is_lost_when_an_app_writes_fifty_thousand_a_second_while_canonry_dies(
    place: Place, killed_canonry: Callable[..., str]
) -> None:
    total = 500_000
    killed_canonry(f"seq {total}", lambda: None)
    runtime = place.open()
    place.wait(lambda: not any(state.running for state in runtime.states()), 60)
    expected, position = 1, 0
    while (page := read(place.home.instance_logs / f"{INS}a.log", position, 5000)).lines:
        assert [line.text for line in page.lines] == [str(number) for number in range(expected, expected + len(page.lines))]
        expected, position = expected + len(page.lines), page.next
    assert expected == total + 1


def test_an_instance_is_not_taken_for_ended_when_no_more_files_can_be_opened(tmp_path: Path) -> None:
    program = Path(__file__).with_name("few_descriptors.py")
    done = subprocess.run([sys.executable, str(program), str(tmp_path / "home")], env={"PYTHONPATH": str(_ROOT / "src")},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["running"]
    assert "OSError" in found["said"]
    assert "running" in found["said"]
    assert "not running" not in found["said"]
