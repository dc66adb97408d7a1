"""Memory, processes and cpu. The commands need nothing but coreutils: `tail` of a stream without line ends keeps all of it."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from canonry.infra import cgroups
from canonry.ports.runtime import Resources
from tests.adapters.runtime.conftest import INS, Place

_EAT = "(head -c 300000000 /dev/zero && sleep 30) | tail"


@pytest.mark.parametrize("grouped", [True, False])
def test_an_app_over_its_memory_is_killed_and_that_is_the_reason(place: Place, grouped: bool) -> None:
    runtime = place.open(grouped=grouped)
    runtime.start(place.spec("a", _EAT, memory_mb=64))
    state = place.ended("a")
    assert state.reason == "killed: over 64 MiB of memory"


@pytest.mark.parametrize("grouped", [True, False])
def test_a_release_command_over_its_memory_says_so(place: Place, grouped: bool) -> None:
    lines: list[str] = []
    assert place.open(grouped=grouped).run(place.spec("a", _EAT, memory_mb=64), lines.append, 20) == 137
    assert lines[-1] == "killed: over 64 MiB of memory"


@pytest.mark.parametrize("grouped", [True, False])
def test_memory_and_cpu_in_use_are_shown(place: Place, grouped: bool) -> None:
    runtime = place.open(grouped=grouped)
    runtime.start(place.spec("a", "(head -c 20000000 /dev/zero; sleep 60) | tail & while :; do :; done", memory_mb=256))
    place.wait(lambda: place.state("a").cpu_seconds > 0.2)
    place.wait(lambda: place.state("a").memory_bytes > 15_000_000)
    assert place.state("a").memory_bytes < 256 << 20


def test_a_fork_bomb_stays_small(place: Place) -> None:
    place.runtime.start(place.spec("a", "i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo end; sleep 60", processes=20))
    time.sleep(1)
    group = cgroups.find(f"{INS}a")
    if group is not None:
        assert len(group.processes()) <= 20


def test_where_nothing_counts_processes_too_many_of_them_end_the_app(place: Place) -> None:
    runtime = place.open(sandboxed=False, grouped=False, allow_bare=True)
    runtime.start(place.spec("a", "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done; sleep 60", processes=20))
    assert place.ended("a").reason == "killed: more than 20 processes"


def test_a_share_of_the_cpu_is_kept(place: Place) -> None:
    spec = replace(place.spec("a", "while :; do :; done"), resources=Resources(64, cpu=0.2))
    place.runtime.start(spec)
    place.wait(lambda: place.state("a").cpu_seconds > 0.05)
    before, began = place.state("a").cpu_seconds, time.monotonic()
    time.sleep(1.5)
    used = (place.state("a").cpu_seconds - before) / (time.monotonic() - began)
    group = cgroups.find(f"{INS}a")
    assert group is None or "cpu" not in group.folders or used < 0.4


def test_apps_end_before_canonry_when_the_machine_is_short_of_memory(place: Place) -> None:
    place.runtime.start(place.spec("a", "echo up; sleep 60"))
    place.said("a", "up")
    assert int(Path(f"/proc/{place.state('a').pid}/oom_score_adj").read_text()) == 500
