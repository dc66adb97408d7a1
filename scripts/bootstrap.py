"""Makes `.venv` from the locked requirements. Needs only the Python that starts it (3.8 or newer), and git and make around it.

A Python of 3.12 or newer is looked for on PATH, then among pyenv's versions, else uv fetches one. uv itself is taken from PATH, else
installed by pip, by a fresh virtual environment, or from the package index that this machine is configured for (see scripts/fetch_uv.py),
always in the version and with the hash that requirements/dev.txt names. Run again it compares one file and ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fetch_uv
from fetch_uv import Failed, say, works

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
DONE = VENV / ".canonry-setup"
UNDER_WAY = VENV / ".canonry-setup-under-way"
OLDEST = (3, 12)
WANTED = "3.12"
SERVER = ("cli.server.serve", "web.app", "wiring.jobs", "wiring.rounds", "worker.main", "worker.watcher")
PROBE = "import sys; v = sys.version_info; print(sys.implementation.name, v[0], v[1], int(sys.prefix != sys.base_prefix))"


def main() -> int:
    """Set up, or see that it is done. Returns the exit code."""
    if is_done():
        return 0
    try:
        with one_at_a_time():
            if not is_done():
                started = time.monotonic()
                set_up()
                say(f"ready in {time.monotonic() - started:.1f} s (.venv, Python {python_version(venv_python())})")
    except Failed as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"setup: {error.filename or ROOT}: {error.strerror}. This user must be able to write to this checkout.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; `make setup` goes on from here", file=sys.stderr)
        return 130
    return 0


def is_done() -> bool:
    """Say whether .venv was made whole, here, from these very requirements."""
    try:
        return DONE.read_text() == fingerprint() and os.access(venv_python(), os.X_OK)
    except OSError:
        return False


def fingerprint() -> str:
    """Return what must be unchanged for .venv to be good: the lock, the package's own declaration, this program, the place."""
    digest = hashlib.sha256(os.fsencode(ROOT))
    digest.update(REQUIREMENTS.read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes().partition(b"\n[tool.pytest")[0])  # a lint rule does not change .venv
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest() + "\n"


def set_up() -> None:
    """Make .venv, install what the lock names and nothing else, and the package itself as an editable one."""
    uv = fetch_uv.find(ROOT / ".cache" / "uv", REQUIREMENTS, [sys.executable, *pythons()])
    if UNDER_WAY.exists() or not is_good(venv_python(), inside=True):
        make_venv(uv)
    DONE.unlink(missing_ok=True)
    UNDER_WAY.touch()
    say("installing the locked requirements")
    install = [uv, "pip", "sync", "--quiet", "--python", str(venv_python()), "--require-hashes", str(REQUIREMENTS)]
    call(install, "The locked requirements could not be installed.")
    package = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(venv_python()),
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        str(ROOT),
    ]
    call(package, "The package itself could not be installed into .venv.")
    compile_ahead()
    UNDER_WAY.unlink()
    DONE.write_text(fingerprint())


def compile_ahead() -> None:
    """Keep what Python compiles of Canonry and of what its server imports, also where PYTHONDONTWRITEBYTECODE is set, as in many images.

    Else each command would compile again what it imports: three of the eight seconds of processor time of a `canonry up`.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    modules = ", ".join(["uvloop", *(f"canonry.{module}" for module in SERVER)])
    program = f"import compileall; compileall.compile_dir('src', quiet=2, workers=0); import {modules}"
    command = [str(venv_python()), "-c", program]
    subprocess.run(command, check=False, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL)  # it works without, only slower


def make_venv(uv: str) -> None:
    """Make an empty .venv with the best Python there is; one that uv fetches when this machine has none."""
    if VENV.is_symlink() or VENV.is_file():
        raise Failed(".venv is not a folder. Remove it and run `make setup` again.")
    shutil.rmtree(str(VENV), ignore_errors=True)
    python = find_python()
    if python is None:
        say(f"no Python {WANTED} or newer on this machine; uv fetches one")
    base = [uv, "venv", "--quiet", "--no-project", "--python", python or WANTED, str(VENV)]
    call(base, f"There is no Python {WANTED} or newer, and none could be fetched. Install one (Debian 13 has it; pyenv builds it) "
               "and run `make setup` again.")  # fmt: skip


def find_python() -> str | None:
    """Return the path of a Python that will do, or None. What is on PATH may be a shim that does not start: each one is tried."""
    return next((candidate for candidate in pythons() if is_good(Path(candidate), inside=False)), None)


def pythons() -> list[str]:
    """Return every Python to think of, the tested version first, then what is on PATH, then pyenv's."""
    on_path = [shutil.which(name) for name in ("python3.12", "python3.13", "python3.14", "python3")]
    return [found for found in [*on_path, *pyenv_pythons(), shutil.which("python3", path="/usr/local/bin:/usr/bin")] if found]


def pyenv_pythons() -> list[str]:
    """Return the Pythons that pyenv has built, the tested version first."""
    roots = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv"), "/opt/pyenv", "/usr/local/pyenv"]
    # glob.glob passes over what this user may not read, Path.glob does not (root's own pyenv, for one).
    found = [Path(path) for root in roots if root for path in glob.glob(root + "/versions/3.*/bin/python3")]  # noqa: PTH207
    numbers = {path: [int(part) for part in path.parts[-3].split(".")[:2] if part.isdigit()] for path in found}
    good = [path for path in found if len(numbers[path]) == 2 and tuple(numbers[path]) >= OLDEST]
    return [str(path) for path in sorted(good, key=lambda path: numbers[path])]


def is_good(python: Path, *, inside: bool) -> bool:
    """Say whether this Python starts, is CPython and new enough. inside: whether it shall be that of a virtual environment."""
    words = works([str(python), "-I", "-c", PROBE]).split()
    return len(words) == 4 and words[0] == "cpython" and (int(words[1]), int(words[2])) >= OLDEST and (words[3] == "1" or not inside)


def python_version(python: Path) -> str:
    """Return its version, `3.12.1`."""
    return works([str(python), "-I", "-c", "import platform; print(platform.python_version())"]).strip()


def venv_python() -> Path:
    """Return where .venv's own Python is."""
    return VENV / "bin" / "python"


def call(command: list[str], failure: str) -> None:
    """Run a step; its own words go to the terminal. Raises: Failed."""
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
    if subprocess.run(command, check=False, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL).returncode != 0:
        raise Failed(failure)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep two `make` in one checkout from making .venv at once; the lock goes with the process, however it ends."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
