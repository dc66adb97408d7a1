"""`canonry doctor` and the checks of the home folder."""

import errno
import json
import socket
from pathlib import Path

import pytest

from canonry.cli.errors import exit_code
from canonry.cli.server.checks import all_checks
from canonry.cli.server.doctor import doctor
from canonry.cli.server.home import explain, explained, prepare_home
from canonry.core.errors import CanonryError, Denied, Invalid
from canonry.core.settings import Settings
from canonry.infra.processes import free_port


def test_every_check_has_a_finding_and_what_is_not_ok_has_a_remedy(tmp_path: Path) -> None:
    findings = all_checks(Settings(home=tmp_path / "home", http_port=free_port()))
    names = [item.name for item in findings]
    assert {"python", "home", "disk", "port", "sandbox", "cgroups", "git", "uv", "clock", "docker", "nginx", "chromium"} <= set(names)
    assert len(names) == len(set(names))
    for item in findings:
        assert item.found
        assert bool(item.remedy) == (item.state != "ok")
    assert not (tmp_path / "home").exists()


def test_doctor_prints_json_and_ends_with_0_on_a_machine_that_is_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = doctor(home=tmp_path / "home", http_port=free_port(), as_json=True)
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert code == (1 if any(item["state"] == "problem" for item in checks) else 0)
    assert {item["name"]: item["state"] for item in checks}["python"] == "ok"


def test_a_taken_port_is_a_problem_with_the_name_of_its_holder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        assert doctor(home=tmp_path / "home", http_port=port) == 1
    printed = capsys.readouterr()
    assert f"{port} is taken by" in printed.out
    assert "port" in printed.err


def test_a_file_in_place_of_the_home_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    found = {item.name: item for item in all_checks(Settings(home=tmp_path / "home", http_port=free_port()))}
    assert found["home"].state == "problem"


def test_a_prepared_home_is_private_where_it_must_be(tmp_path: Path) -> None:
    home = prepare_home(Settings(home=tmp_path / "a home"))
    assert home.run.stat().st_mode & 0o777 == 0o700
    home.run.chmod(0o755)
    prepare_home(Settings(home=tmp_path / "a home"))
    assert home.run.stat().st_mode & 0o777 == 0o700
    assert not list(home.root.glob(".probe*"))


@pytest.mark.parametrize("name", ['a"b', "a$b", "a`b", "a\\b", "a,b", "a{b", "a}b", "a\nb"])
def test_a_path_that_a_program_inside_would_misread_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        prepare_home(Settings(home=tmp_path / name))
    assert caught.value.code == "home_path_unusable"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code", "ending"), [
    (errno.ENOSPC, "disk_full", 13), (errno.EDQUOT, "disk_full", 13), (errno.EACCES, "home_not_writable", 14),
    (errno.EROFS, "home_not_writable", 14), (errno.ENOTDIR, "home_not_writable", 14), (errno.EIO, "system_refused", 8),
])  # fmt: skip
def test_what_the_system_says_becomes_an_error_with_its_own_exit_code(tmp_path: Path, number: int, code: str, ending: int) -> None:
    error = explain(OSError(number, "said so", str(tmp_path / "file")), tmp_path)
    assert (error.code, exit_code(error)) == (code, ending)
    assert error.hint


def test_errors_of_ours_pass_through_unchanged(tmp_path: Path) -> None:
    with pytest.raises(CanonryError) as caught, explained(tmp_path):
        raise Denied("other", "Something else.")
    assert caught.value.code == "other"
