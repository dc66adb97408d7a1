"""What an app sees and may do."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from canonry.adapters.runtime.process import processes
from canonry.ports.builder import Mount
from canonry.ports.errors import StartFailed
from tests.adapters.runtime.conftest import INS, Place


def test_the_app_is_the_working_folder_and_read_only(place: Place) -> None:
    (place.app / "hello.txt").write_text("hello\n")
    lines = place.output_of("pwd; cat hello.txt; touch /app/new; echo x > hello.txt")
    assert lines[:2] == ["/app", "hello"]
    assert sum("Read-only file system" in line for line in lines) == 2
    assert [path.name for path in place.app.iterdir()] == ["hello.txt"]


def test_a_folder_of_the_app_can_be_the_working_folder(place: Place) -> None:
    (place.app / "web" / "api").mkdir(parents=True)
    lines: list[str] = []
    place.runtime.run(place.spec("a", "pwd", directory="web/api"), lines.append, 10)
    assert lines == ["/app/web/api"]


@pytest.mark.parametrize("directory", ["../..", "/etc", "web/../.."])
def test_a_working_folder_outside_the_app_is_refused(place: Place, directory: str) -> None:
    with pytest.raises(StartFailed) as caught:
        place.runtime.start(place.spec("a", "pwd", directory=directory))
    assert caught.value.code == "app_missing"


def test_the_home_of_canonry_is_not_there(place: Place) -> None:
    (place.home.root / "secret.key").write_text("top secret")
    lines = place.output_of(f"ls '{place.home.root}' '{place.home.root}/secret.key' '{place.home.root.parent}' /root /home; echo end")
    assert lines[-1] == "end"
    assert not any("artifacts" in line or line == "secret.key" for line in lines)


def test_mounts_are_seen_read_only_also_below_the_app(place: Place, tmp_path: Path) -> None:
    for name in ("layer", "modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(f"{name}\n")
    (place.app / "node_modules").mkdir()
    mounts = (Mount(tmp_path / "layer", "/opt/layer"), Mount(tmp_path / "modules", "/app/node_modules"))
    lines: list[str] = []
    place.runtime.run(place.spec("a", "cat /opt/layer/file node_modules/file; touch /opt/layer/new", mounts=mounts), lines.append, 10)
    assert lines[:2] == ["layer", "modules"]
    assert "Read-only file system" in lines[2]


def test_a_writable_mount_keeps_what_the_app_writes(place: Place, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    mount = Mount(tmp_path / "data", "/data", writable=True)
    lines: list[str] = []
    assert place.runtime.run(place.spec("a", "echo kept > /data/file", mounts=(mount,)), lines.append, 10) == 0, lines
    assert (tmp_path / "data" / "file").read_text() == "kept\n"


def test_a_mount_that_is_missing_is_refused(place: Place, tmp_path: Path) -> None:
    with pytest.raises(StartFailed) as caught:
        place.runtime.start(place.spec("a", "true", mounts=(Mount(tmp_path / "none", "/opt/none"),)))
    assert caught.value.code == "mount_missing"


def test_tmp_is_private_and_writable(place: Place) -> None:
    name = secrets.token_hex(8)
    assert place.output_of(f"echo mine > /tmp/{name}; cat /tmp/{name}; ls /tmp | wc -l") == ["mine", "1"]
    assert not Path("/tmp", name).exists()


def test_the_kernels_switches_cannot_be_written(place: Place) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    lines = place.output_of("for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do echo x > $f && echo WRITTEN; done; echo end")
    assert "WRITTEN" not in lines
    assert lines[-1] == "end"
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_it_is_an_ordinary_user_that_sees_no_processes_but_its_own(place: Place) -> None:
    lines = place.output_of("id -u; ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status")
    assert lines[0] == "1000"
    assert int(lines[1]) < 6
    assert int(lines[2].split()[1], 16) == 0


def test_the_environment_is_exactly_what_was_asked_for(place: Place) -> None:
    place.runtime.start(place.spec("a", "exec env", GREETING="hello world", LINES="a\nb", LD_DEBUG_OUTPUT="/tmp/x"))
    place.ended("a")
    address = place.state("a").address or ""
    expected = {"PATH=/usr/bin:/bin", "GREETING=hello world", "LINES=a", "b", "LD_DEBUG_OUTPUT=/tmp/x", "PWD=/app"}
    assert set(place.output("a").splitlines()) == {*expected, f"PORT={address.rpartition(':')[2]}"}


def test_no_value_is_seen_on_a_command_line_or_outside_the_sandbox(place: Place) -> None:
    secret = secrets.token_hex(16)
    place.runtime.start(place.spec("a", 'echo "up $TOKEN"; exec sleep 60', TOKEN=secret))
    place.said("a", f"up {secret}")
    main = place.state("a").pid
    outside = processes.marked(f"{INS}a")
    assert len(outside) == 2
    for pid in [*outside, main]:
        assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
    for pid in outside:
        assert secret not in Path(f"/proc/{pid}/environ").read_text()


def test_a_loader_variable_does_not_reach_what_runs_outside(place: Place) -> None:
    outside = place.home.root / "loaded"
    place.output_of("true", LD_DEBUG="all", LD_DEBUG_OUTPUT=str(outside))
    assert list(place.home.root.glob("loaded*")) == []


def test_a_variable_that_cannot_be_one_is_refused_and_leaves_nothing(place: Place) -> None:
    spec = place.spec("a", "true")
    with pytest.raises(StartFailed) as caught:
        place.runtime.start(replace(spec, environment={"A=B": "c"}))
    assert caught.value.code == "invalid_variable"
    assert place.runtime.states() == []


def test_an_id_that_cannot_be_a_file_name_is_refused(place: Place) -> None:
    with pytest.raises(StartFailed) as caught:
        place.runtime.start(replace(place.spec("a", "true"), id="../../etc"))
    assert caught.value.code == "invalid_instance_id"


def test_a_sandbox_that_cannot_be_set_up_says_why(place: Place, tmp_path: Path) -> None:
    place.runtime.start(place.spec("a", "true", mounts=(Mount(tmp_path, "/app/no/such/mount/point"),)))
    state = place.ended("a")
    assert state.exit_code is None
    assert state.reason.startswith("the sandbox could not be set up: Can't")


def test_the_output_goes_to_a_log_that_only_we_read_and_input_is_empty(place: Place) -> None:
    place.runtime.start(place.spec("a", "cat; echo out; echo err >&2"))
    place.ended("a")
    assert place.output("a") == "out\nerr\n"
    assert (place.home.instance_logs / f"{INS}a.log").stat().st_mode & 0o777 == 0o600
