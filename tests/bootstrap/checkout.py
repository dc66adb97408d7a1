"""A copy of this checkout to set up from nothing, and programs that stand in for those of another machine."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.architecture.tree import ROOT

_NEEDED = ("Makefile", "pyproject.toml", "README.md", "LICENSE", "requirements", "scripts", "src")


@dataclass(frozen=True)
class Checkout:
    """A folder with a copy of the repository, the environment its `make` runs in, and the words that make it run as somebody else."""

    folder: Path
    environment: dict[str, str]
    user: Sequence[str] = ()

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        """Run a target to its end."""
        command = [*self.user, "make", "-s", target]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300)

    def kill_setup_under_way(self) -> None:
        """Start `make setup` and kill it, and whatever it started, in the middle of the installation."""
        marker = self.folder / ".venv" / ".canonry-setup-under-way"
        process = subprocess.Popen(["make", "-s", "setup"], cwd=self.folder, env=self.environment, start_new_session=True)
        deadline = time.monotonic() + 120
        while not marker.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the new .venv and return what it prints."""
        command = [*self.user, str(self.folder / ".venv" / "bin" / program), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=self.environment).stdout


def copy_checkout(folder: Path) -> Checkout:
    """Copy what a set-up needs into `folder`, with the uv of this environment on PATH."""
    for name in _NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    programs = folder.parent / "programs"
    programs.mkdir()
    (programs / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    return Checkout(folder, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"})


def load_script(name: str) -> ModuleType:
    """Import `scripts/<name>.py` as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"canonry_script_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_program(path: Path, text: str) -> Path:
    """Write a shell program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
