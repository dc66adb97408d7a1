"""Groups of processes with limits. Where the machine gives no groups, the same tests hold that this is said."""

import secrets
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from canonry.infra import cgroups
from canonry.infra.cgroups import Group

_EAT = ["/bin/sh", "-c", "head -c 300000000 /dev/zero | tail"]


@pytest.fixture
def group() -> Iterator[Group | None]:
    name = f"test-{secrets.token_hex(6)}"
    group = cgroups.create(name, memory_mb=32, processes=20, cpu=0.5)
    yield group
    if group is not None:
        group.kill()
        assert group.remove()
        assert cgroups.find(name) is None


def test_a_group_is_made_or_it_is_said_why_not(group: Group | None) -> None:
    assert (group is None) == bool(cgroups.why_unavailable())


def test_a_group_is_found_again_by_its_name(group: Group | None) -> None:
    if group is not None:
        assert cgroups.find(group.name) == group
        assert group.name in cgroups.names("test-")
    assert cgroups.find("test-no-such-group") is None


def test_a_process_that_joins_is_in_it_with_its_children(group: Group | None) -> None:
    if group is None:
        return
    with subprocess.Popen(group.joining(["/bin/sh", "-c", "sleep 60 & sleep 60"])) as process:
        _wait(lambda: len(group.processes()) == 3)
        assert process.pid in group.processes()
        assert group.memory_bytes() > 0
        assert not group.remove()
        group.kill()
        assert process.wait(60) != 0
    assert group.processes() == []


def test_a_running_process_can_be_added(group: Group | None) -> None:
    if group is None:
        return
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        group.add(process.pid)
        assert group.processes() == [process.pid]
        group.kill()
    with pytest.raises(OSError, match="No such process"):
        group.add(process.pid)


def test_the_words_of_the_command_arrive_as_they_are(group: Group | None) -> None:
    if group is None:
        return
    words = ["a b", "--", "$HOME", "'", ""]
    result = subprocess.run(group.joining(["/usr/bin/printf", "%s\\n", *words]), capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == words


def test_too_much_memory_is_a_kill_that_can_be_told(group: Group | None) -> None:
    if group is None:
        return
    assert not group.was_oom_killed()
    assert subprocess.run(group.joining(_EAT), capture_output=True, check=False).returncode in {137, -9}
    assert group.was_oom_killed()
    assert group.cpu_seconds() > 0


def test_limits_can_be_raised_and_lowered(group: Group | None) -> None:
    if group is None:
        return
    for memory_mb in (600, 16, 400):
        assert cgroups.create(group.name, memory_mb, 30) == group
    assert subprocess.run(group.joining(_EAT), capture_output=True, check=False).returncode == 0


def test_a_fork_bomb_stops_at_the_limit_and_is_killed_whole(group: Group | None) -> None:
    if group is None or "pids" not in group.folders:
        return
    bomb = "f() { f & f & wait; }; f"
    with subprocess.Popen(group.joining(["/bin/sh", "-c", bomb]), stderr=subprocess.DEVNULL):
        time.sleep(0.5)
        assert len(group.processes()) <= 20
        group.kill()
    assert group.processes() == []


def test_an_emptied_group_of_processes_that_nobody_reaps_yet_is_removed(group: Group | None) -> None:
    if group is None:
        return
    name = f"{group.name}-zombie"
    other = cgroups.create(name, 32, 10)
    assert other is not None
    with subprocess.Popen(other.joining(["/bin/true"])):
        _wait(lambda: other.processes() == [])
        assert other.remove()
    assert other.remove()


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
