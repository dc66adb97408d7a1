"""The bounds of a build: time, cancelling, memory, disk, processes, a killed builder; nothing is left of any of them."""

import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from canonry.adapters.builder.native import steps
from canonry.infra import cgroups
from canonry.infra.usage import bytes_in
from canonry.ports.builder import Limits, Plan
from canonry.ports.errors import BuildCancelled, BuildFailed
from tests.support.builds import Workshop, processes_with
from tests.support.waiting import until

SMALL = Limits(seconds=30, memory_mb=200, disk_mb=80, processes=40)
EAT = "python3 -c 'x = [bytearray(b\"1\") * (1 << 20) for _ in range(600)]; import time; time.sleep(20)'"


def plan(build: str) -> Plan:
    return Plan("shell", build=build, processes={"web": "true"})


@pytest.fixture
def mark() -> str:
    """A number of seconds to sleep that only this test uses, to find its processes by."""
    return f"{60 + secrets.randbelow(10**9) / 10**9:.9f}"


def test_a_build_over_its_time_is_ended_whole(workshop: Workshop, mark: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        workshop.build(
            plan(f"sleep {mark} & (setsid sleep {mark} &) ; sleep {mark}"), {"x": "1"}, limits=dataclasses.replace(SMALL, seconds=1)
        )
    assert caught.value.code == "build_timeout"
    assert workshop.seconds < 50
    assert processes_with(mark) == []
    assert workshop.leftovers() == []


def test_a_cancelled_build_is_ended_whole(workshop: Workshop, mark: str) -> None:
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    with pytest.raises(BuildCancelled):
        workshop.build(plan(f"sleep {mark}"), {"x": "1"}, cancelled=cancelled.is_set)
    assert workshop.seconds < 50
    assert processes_with(mark) == []
    assert workshop.leftovers() == []


def test_a_daemon_left_by_a_build_ends_with_it(workshop: Workshop, mark: str) -> None:
    workshop.build(plan(f"setsid sleep {mark} > /dev/null 2>&1 & echo done"), {"x": "1"})
    assert processes_with(mark) == []


def test_a_build_that_closes_its_output_is_still_watched(workshop: Workshop, mark: str) -> None:
    with pytest.raises(BuildFailed, match="longer than 1 s"):
        workshop.build(plan(f"exec > /dev/null 2>&1; sleep {mark}"), {"x": "1"}, limits=dataclasses.replace(SMALL, seconds=1))
    assert processes_with(mark) == []


@pytest.mark.parametrize("kept_by", ["the machine", "us"])
def test_a_build_over_its_memory_is_ended(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, kept_by: str) -> None:
    if kept_by == "us":  # as on a machine without control groups
        monkeypatch.setattr(cgroups, "_parents", lambda: (0, {}))
    with pytest.raises(BuildFailed) as caught:
        workshop.build(plan(EAT), {"x": kept_by}, limits=SMALL)
    assert caught.value.code == "build_out_of_memory"
    assert "200 MiB" in caught.value.message


@pytest.mark.parametrize("kept_by", ["the machine", "us"])
def test_a_build_of_too_many_processes_fails(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, kept_by: str, mark: str) -> None:
    if kept_by == "us":
        monkeypatch.setattr(cgroups, "_parents", lambda: (0, {}))
    with pytest.raises(BuildFailed, match="processes"):
        workshop.build(plan(f"for i in $(seq 80); do sleep {mark} & done; wait"), {"x": kept_by}, limits=SMALL)
    assert processes_with(mark) == []


def test_a_build_that_writes_too_much_is_ended(workshop: Workshop) -> None:
    many = "for i in 1 2 3 4; do head -c 40000000 /dev/zero > f$i; done; sleep 20"
    with pytest.raises(BuildFailed) as caught:
        workshop.build(plan(many), {"x": "1"}, limits=SMALL)
    assert caught.value.code == "build_disk_limit"
    with pytest.raises(BuildFailed) as caught:
        workshop.build(plan("head -c 100000000 /dev/zero > one"), {"x": "2"}, limits=SMALL)
    assert caught.value.code == "build_disk_limit"
    assert workshop.leftovers() == []


def test_caches_that_outgrow_the_limit_are_dropped_and_do_not_fail_every_later_build(workshop: Workshop) -> None:
    fill = Plan("shell", install="head -c 50000000 /dev/zero > /cache/$(date +%N)", processes={"web": "true"})
    for turn in range(4):
        workshop.build(fill, {"x": str(turn)}, limits=SMALL, cache_key="prj_caches")
    packages = workshop.home.caches / "prj_caches" / "packages"
    assert bytes_in([packages]) <= 50 << 20


def test_a_build_has_low_priority_and_no_capabilities(workshop: Workshop) -> None:
    workshop.build(plan("nice; grep CapEff /proc/self/status; id -u"), {"x": "1"})
    assert workshop.lines[1:4] == ["10", "CapEff:\t0000000000000000", "1000"]


@pytest.mark.parametrize("moment", ["running", "starting"])
def test_a_killed_builder_leaves_no_process_and_the_next_build_works(mark: str, tmp_path: Path, moment: str) -> None:
    sign = "bwrap" if moment == "starting" else f"sh\0-c\0sleep {mark}"
    script = tmp_path / "build.py"
    script.write_text(
        "import sys; from pathlib import Path; from tests.support.builds import Workshop; from canonry.ports.builder import Plan\n"
        f"plan = Plan('shell', install='echo 1', build='sleep {mark}', lockfiles=('x',))\n"
        "Workshop(Path(sys.argv[1])).build(plan, {'x': 'killed'}, work=Path(sys.argv[2]))"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}/src:{root}"}
    home = tmp_path / "killed home"
    process = subprocess.Popen([sys.executable, str(script), str(home), str(tmp_path)], env=environment, cwd=root)
    try:
        until(lambda: any(is_step(pid, sign, mark) for pid in processes_with(mark)))
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    until(lambda: processes_with(mark) == [], timeout=60)
    after = Workshop(home)
    after._count = 10
    artifact = after.build(Plan("shell", install="echo 1", build="echo 2 > made", lockfiles=("x",)), {"x": "killed"})
    assert (artifact.folder / "app/made").read_text() == "2\n"
    assert after.leftovers() == []
    assert [path for path in after.home.artifacts.glob("art_*") if path != artifact.folder] == []


def is_step(pid: int, sign: str, mark: str) -> bool:
    """Say whether this is the build's step: its command itself, or bubblewrap still setting up."""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return mark in command and (sign in command.split("\0")[0] or command.startswith(("/bin/" + sign, sign)))
    return False


def test_two_builds_of_one_project_wait_for_each_other(workshop: Workshop) -> None:
    spans: list[tuple[float, float]] = []

    def one(number: int) -> None:
        request = workshop.request(plan("date +%s.%N > start; sleep 0.4; date +%s.%N > end"), {"x": str(number)}, cache_key="prj_two")
        artifact = workshop.builder.build(request, lambda _: None)
        spans.append((float((artifact.folder / "app/start").read_text()), float((artifact.folder / "app/end").read_text())))

    requests = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in requests:
        thread.start()
        time.sleep(0.05)
    for thread in requests:
        thread.join()
    first, second = sorted(spans)
    assert first[1] <= second[0]


def test_the_watch_over_the_disk_counts_a_linked_file_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1" * 100_000)
    os.link(tmp_path / "a", tmp_path / "b")
    assert bytes_in([tmp_path]) < 110_000


def test_the_control_group_of_a_home_and_key_is_its_own() -> None:
    names = {steps.group_name(Path(home), key) for home in ("/a", "/b") for key in ("x", "y")}
    assert len(names) == 4
