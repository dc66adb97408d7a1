"""How an instance is asked to end, and how it is made to."""

import time

import pytest

from canonry.adapters.runtime.process import processes
from tests.adapters.runtime.conftest import INS, Place

_TRAP = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.05; done"


def test_the_app_gets_sigterm_and_may_end_in_its_own_way(place: Place) -> None:
    place.runtime.start(place.spec("a", _TRAP))
    place.said("a", "ready")
    place.runtime.stop(f"{INS}a", 10)
    assert place.output("a") == "ready\ngot TERM\n"
    state = place.state("a")
    assert (state.exit_code, state.reason) == (0, "stopped")


@pytest.mark.parametrize("command", ["sh app.sh", "cd . && sh app.sh", "echo first; sh app.sh; echo never", "sh -c 'sh app.sh; :'; :"])
def test_sigterm_reaches_the_app_behind_shells_that_would_not_pass_it_on(place: Place, command: str) -> None:
    (place.app / "app.sh").write_text(_TRAP)
    place.runtime.start(place.spec("a", command))
    place.said("a", "ready")
    place.runtime.stop(f"{INS}a", 10)
    assert "got TERM" in place.output("a")
    assert "never" not in place.output("a")


def test_workers_of_an_app_that_handles_sigterm_are_left_to_it(place: Place) -> None:
    (place.app / "worker.sh").write_text("trap 'echo worker got TERM' TERM; echo ready; while :; do sleep 0.05; done")
    (place.app / "app.sh").write_text("trap 'echo master got TERM; kill -9 $!; exit 0' TERM; sh worker.sh & wait; wait")
    place.runtime.start(place.spec("a", "exec sh app.sh"))
    place.said("a", "ready")
    place.runtime.stop(f"{INS}a", 10)
    assert place.output("a") == "ready\nmaster got TERM\n"


@pytest.mark.parametrize(("sandboxed", "grouped"), [(True, True), (True, False), (False, True), (False, False)])
def test_after_the_grace_time_every_process_is_killed_one_that_became_a_daemon_too(place: Place, sandboxed: bool, grouped: bool) -> None:
    runtime = place.open(sandboxed=sandboxed, grouped=grouped, allow_bare=True)
    runtime.start(place.spec("a", "trap '' TERM; setsid sh -c 'sleep 77 & sleep 77' & sleep 0.2; echo ready; while :; do sleep 0.1; done"))
    place.said("a", "ready")
    pid = place.state("a").pid or 0
    known = [pid, *processes.descendants(pid)]
    assert len(known) >= 4
    alive = [(each, processes.start_ticks(each)) for each in known]
    began = time.monotonic()
    runtime.stop(f"{INS}a", 0.3)
    assert 0.3 <= time.monotonic() - began < 60
    assert [each for each, ticks in alive if processes.is_alive(each, ticks)] == []
    assert processes.marked(f"{INS}a") == []


def test_what_the_command_leaves_behind_ends_with_it(place: Place) -> None:
    place.runtime.start(place.spec("a", "setsid sleep 88 & echo $!; sleep 0.1; exit 3"))
    assert place.ended("a").exit_code == 3
    assert processes.marked(f"{INS}a") == []


def test_killing_what_watches_over_the_sandbox_ends_the_app_too(place: Place) -> None:
    place.runtime.start(place.spec("a", "echo up; sleep 60"))
    place.said("a", "up")
    pid = place.state("a").pid or 0
    ticks = processes.start_ticks(pid)
    watcher = processes.parent(processes.parent(pid))
    processes.kill(watcher)
    state = place.ended("a")
    assert state.reason == "killed from outside; the exit code is unknown"
    assert not processes.is_alive(pid, ticks)


def test_killing_the_app_is_reported_with_its_signal(place: Place) -> None:
    place.runtime.start(place.spec("a", "echo up; exec sleep 60"))
    place.said("a", "up")
    processes.kill(place.state("a").pid or 0)
    state = place.ended("a")
    assert (state.exit_code, state.reason) == (137, "exited with code 137 (SIGKILL)")
