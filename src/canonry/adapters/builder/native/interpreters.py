"""Python interpreters that are already on this machine, found once per process."""

import functools
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_EXACT = re.compile(r"(?:cpython-)?(\d+\.\d+\.\d+)(?:-.*)?")
_PROBE = "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.version_info.releaselevel, sys.base_prefix, sep='\\n')"
_NAMES = ("python3", *(f"python3.{minor}" for minor in range(9, 20)))


@dataclass(frozen=True)
class Interpreter:
    """One Python: exact version, program, and the prefix that holds its standard library."""

    version: str
    program: Path
    prefix: Path


def find_interpreters(path: str, home: Path, managed: Path) -> list[Interpreter]:
    """Return every Python 3 found, newest first.

    path: `$PATH`. home: the user's home (for pyenv). managed: folder into which uv installs interpreters for us.
    """
    found: dict[str, Interpreter] = {}
    for interpreter in (*_running(), *_in_versions(home / ".pyenv" / "versions"), *_in_versions(managed), *_on_path(path)):
        found.setdefault(interpreter.version, interpreter)
    return sorted(found.values(), key=lambda item: tuple(int(part) for part in item.version.split(".")), reverse=True)


def _running() -> list[Interpreter]:
    if sys.version_info.releaselevel != "final":
        return []
    major, minor, micro = sys.version_info[:3]
    program = Path(sys.base_prefix) / "bin" / f"python{major}.{minor}"
    return [Interpreter(f"{major}.{minor}.{micro}", program, Path(sys.base_prefix))] if _is_there(program) else []


def _in_versions(folder: Path) -> list[Interpreter]:
    """Installations whose folder is named by the version: pyenv's and uv's."""
    try:
        prefixes = sorted(folder.iterdir())
    except OSError:  # not there, or the home of somebody else
        return []
    found = []
    for prefix in prefixes:
        match = _EXACT.fullmatch(prefix.name)
        if match and match[1].startswith("3.") and not prefix.is_symlink():
            program = prefix / "bin" / ("python" + match[1].rpartition(".")[0])
            if _is_there(program):
                found.append(Interpreter(match[1], program, prefix))
    return found


def _on_path(path: str) -> list[Interpreter]:
    found = []
    for folder in dict.fromkeys([*path.split(":"), "/usr/local/bin", "/usr/bin"]):
        # A shim only stands for pyenv's versions, which are found by their folders; starting it costs more than all else here.
        if not folder.startswith("/") or folder.endswith("/shims"):
            continue
        for name in _NAMES:
            program = Path(folder) / name
            if _is_there(program) and (interpreter := _ask(program.resolve())):
                found.append(interpreter)
    return found


def _is_there(program: Path) -> bool:
    """Unlike Path.exists, this does not fail in a folder of somebody else, which `su` and `sudo -u` leave in $PATH."""
    return os.path.exists(program)  # noqa: PTH110


@functools.cache
def _ask(program: Path) -> Interpreter | None:
    try:
        result = subprocess.run([str(program), "-I", "-S", "-c", _PROBE], capture_output=True, text=True, timeout=10, check=False, env={})
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = result.stdout.splitlines()
    if result.returncode != 0 or len(answer) != 3 or answer[1] != "final" or not answer[0].startswith("3."):
        return None
    prefix = Path(answer[2])
    own = prefix / "bin" / ("python" + answer[0].rpartition(".")[0])
    return Interpreter(answer[0], own if _is_there(own) else program, prefix)
