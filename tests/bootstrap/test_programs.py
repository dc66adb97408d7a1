"""Finding a Python and a uv on machines of every kind."""

import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT
from tests.bootstrap.checkout import load_script, write_program

BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The set-up program on a machine with an empty PATH and nothing in the home folder."""
    (tmp_path / "bin").mkdir()
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_", "PYENV_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return load_script("bootstrap")


@pytest.fixture
def fetch_uv(bootstrap: ModuleType) -> ModuleType:
    found: ModuleType = bootstrap.fetch_uv
    return found


class TestPython:
    def test_one_on_path_is_taken(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        found = write_program(tmp_path / "bin/python3.12", f'exec "{BASE_PYTHON}" "$@"')
        assert bootstrap.find_python() == str(found)

    @pytest.mark.criterion("running-canonry#setup-finds-python")
    def test_a_shim_that_does_not_start_is_passed_over_for_the_one_pyenv_built(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        write_program(tmp_path / "bin/python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
        built = write_program(tmp_path / "home/.pyenv/versions/3.12.9/bin/python3", f'exec "{BASE_PYTHON}" "$@"')
        assert bootstrap.find_python() == str(built)

    def test_an_older_one_will_not_do(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        old = write_program(tmp_path / "bin/python3", "echo cpython 3 11 0")
        assert not bootstrap.is_good(old, inside=False)

    def test_another_implementation_will_not_do(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        other = write_program(tmp_path / "bin/python3", "echo pypy 3 12 0")
        assert not bootstrap.is_good(other, inside=False)

    def test_versions_of_pyenv_that_are_too_old_are_not_tried(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        for version in ("3.9.18", "3.13.0", "3.12.1"):
            write_program(tmp_path / f"home/.pyenv/versions/{version}/bin/python3", "exit 1")
        assert [Path(path).parts[-3] for path in bootstrap.pyenv_pythons()] == ["3.12.1", "3.13.0"]

    def test_a_pyenv_that_this_user_may_not_read_is_passed_over(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "a file"))
        (tmp_path / "a file").write_text("")
        assert bootstrap.pyenv_pythons() == []


class TestUv:
    def test_the_one_on_path_is_taken(self, fetch_uv: ModuleType, tmp_path: Path) -> None:
        found = write_program(tmp_path / "bin/uv", "echo uv 0.9.0")
        assert fetch_uv.find(tmp_path / "cache", ROOT / "requirements/dev.txt", []) == str(found)

    def test_a_very_old_one_is_not(self, fetch_uv: ModuleType, tmp_path: Path) -> None:
        assert not fetch_uv.is_usable(str(write_program(tmp_path / "bin/uv", "echo uv 0.1.9")))

    def test_the_lock_names_the_version_and_the_hashes(self, fetch_uv: ModuleType) -> None:
        version, hashes = fetch_uv.locked(ROOT / "requirements/dev.txt")
        assert version.count(".") == 2
        assert len(hashes) > 5

    def test_without_pip_it_comes_from_the_index_that_pip_is_configured_for(self, fetch_uv: ModuleType, tmp_path: Path) -> None:
        content = _wheel("echo uv 9.9.9")
        _write_index(tmp_path / "index", content)
        (tmp_path / "home/.config/pip").mkdir(parents=True)
        (tmp_path / "home/.config/pip/pip.conf").write_text(f"[global]\nextra-index-url = {(tmp_path / 'index').as_uri()}\n")
        found = fetch_uv.find(tmp_path / "cache", _lock(tmp_path, content), [])
        assert fetch_uv.works([found, "--version"]) == "uv 9.9.9\n"
        assert fetch_uv.find(tmp_path / "cache", _lock(tmp_path, content), []) == found

    def test_a_folder_of_wheels_will_do(self, fetch_uv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        content = _wheel("echo uv 9.9.9")
        (tmp_path / "wheels").mkdir()
        (tmp_path / "wheels" / WHEEL).write_bytes(content)
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
        assert fetch_uv.find(tmp_path / "cache", _lock(tmp_path, content), []).endswith("/9.9.9/bin/uv")

    def test_a_wheel_with_another_hash_is_never_used(self, fetch_uv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _write_index(tmp_path / "index", _wheel("echo uv 9.9.9; touch /tmp/never"))
        monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
        with pytest.raises(fetch_uv.Failed, match="apt-get install"):
            fetch_uv.find(tmp_path / "cache", _lock(tmp_path, _wheel("echo uv 9.9.9")), [])
        assert not list((tmp_path / "cache").rglob("bin/uv"))

    def test_without_any_way_the_command_that_helps_is_named(self, fetch_uv: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(fetch_uv.Failed, match=r"sudo apt-get install .*python3-venv"):
            fetch_uv.find(tmp_path / "cache", ROOT / "requirements/dev.txt", [])

    def test_a_python_that_has_pip_brings_it(self, fetch_uv: ModuleType, tmp_path: Path) -> None:
        pip = 'case "$*" in *--version*) echo pip 24;; *) while [ "$1" != --target ]; do shift; done; mkdir -p "$2/bin"; '
        python = write_program(
            tmp_path / "python3", pip + """printf '#!/bin/sh\\necho uv 9.9.9\\n' > "$2/bin/uv"; chmod +x "$2/bin/uv";; esac"""
        )
        os.environ["PATH"] = f"{os.environ['PATH']}:/usr/bin:/bin"
        assert fetch_uv.find(tmp_path / "cache", _lock(tmp_path, b""), [str(python)]).endswith("/9.9.9/bin/uv")


WHEEL = f"uv-9.9.9-py3-none-manylinux_2_17_{os.uname().machine}.manylinux2014_{os.uname().machine}.whl"


def _wheel(program: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("uv-9.9.9.data/scripts/uv", (2026, 1, 1, 0, 0, 0)), f"#!/bin/sh\n{program}\n")
    return content.getvalue()


def _write_index(folder: Path, content: bytes) -> None:
    (folder / "uv").mkdir(parents=True)
    (folder / "uv" / WHEEL).write_bytes(content)
    (folder / "uv/index.html").write_text(f'<a href="{WHEEL}#sha256={hashlib.sha256(content).hexdigest()}">{WHEEL}</a>')


def _lock(folder: Path, content: bytes) -> Path:
    lock = folder / "lock.txt"
    lock.write_text(f"uv==9.9.9 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n")
    return lock
