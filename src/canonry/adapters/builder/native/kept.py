"""What saves time and can be made again: caches of builds, and toolchains. Counted here, and removed when the disk needs it.

Only what has the name, the form and the place of something of ours is looked at: links, and whatever lies beside, stay as they are.
"""

import os
import re
import time
from pathlib import Path

from canonry.adapters.builder.native.artifacts import Artifacts
from canonry.adapters.builder.native.locks import hold
from canonry.core.paths import Home
from canonry.infra.files import remove_tree
from canonry.infra.usage import bytes_in
from canonry.ports.builder import Stored

SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_CACHES = ("packages", "environment", "kept")
_WHEEL = re.compile(r"(node|deno|go)-\d+\.\d+\.\d+")
_PYTHON = re.compile(r"cpython-\d+\.\d+\.\d+[a-z0-9+._-]*")


class KeptThings:
    """The caches and toolchains of one home. idle: seconds after which no build can still be using a toolchain it took."""

    def __init__(self, home: Home, artifacts: Artifacts, *, idle: float) -> None:
        self._home = home
        self._artifacts = artifacts
        self._idle = idle

    def caches(self) -> list[Stored]:
        """Return the caches of each cache key that has some."""
        found = []
        for folder in _folders(self._home.caches):
            parts = self._parts(folder) if SAFE_KEY.fullmatch(folder.name) else []
            if parts and (size := bytes_in(parts)):
                found.append(Stored("cache", folder.name, size, max(part.lstat().st_mtime for part in [*parts, folder / "lock"])))
        return found

    def drop_caches(self, key: str) -> bool:
        """Empty the caches of a key, unless a build of that key runs."""
        folder = self._home.caches / key
        if not SAFE_KEY.fullmatch(key) or folder.is_symlink() or not (folder / "lock").is_file():
            return False
        try:
            with hold(folder / "lock", _do_not_wait):
                for part in self._parts(folder):
                    remove_tree(part)
        except BlockingIOError:
            return False
        return True

    def toolchains(self) -> list[Stored]:
        """Return the toolchains that were installed on demand."""
        needed = self._artifacts.mounted()
        return [
            Stored("toolchain", name, bytes_in([folder]), folder.stat().st_mtime, in_use=_is_needed(folder, needed))
            for name, folder in self._installed().items()
        ]

    def drop_toolchain(self, name: str) -> bool:
        """Remove a toolchain that no artifact needs and no build can still be about to use."""
        folder = self._installed().get(name)
        if folder is None:
            return False
        try:
            with hold(self._home.toolchains / ".lock", _do_not_wait):
                return self._drop(folder)
        except (BlockingIOError, FileNotFoundError):
            return False

    def _drop(self, folder: Path) -> bool:
        if not self._is_idle(folder) or _is_needed(folder, self._artifacts.mounted()):
            return False
        aside = folder.with_name(f".{folder.name}.gone")
        remove_tree(aside)
        folder.rename(aside)
        if not self._is_idle(aside):  # a build took it between the look and the rename
            aside.rename(folder)
            return False
        remove_tree(aside)
        return True

    def _is_idle(self, folder: Path) -> bool:
        return time.time() - folder.stat().st_mtime > self._idle

    def _installed(self) -> dict[str, Path]:
        wheels = [item for item in _folders(self._home.toolchains) if _WHEEL.fullmatch(item.name) and any(item.glob("*.dist-info"))]
        managed = _folders(self._home.toolchains / "python")
        pythons = [item for item in managed if _PYTHON.fullmatch(item.name) and (item / "bin" / "python3").exists()]
        return {item.name: item for item in wheels} | {f"python/{item.name}": item for item in pythons}

    def _parts(self, folder: Path) -> list[Path]:
        if not (folder / "lock").is_file() or (folder / "lock").is_symlink():
            return []
        return [part for name in _CACHES if (part := folder / name).is_dir() and not part.is_symlink()]


def _folders(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _is_needed(folder: Path, needed: set[Path]) -> bool:
    return any(path == folder or path.is_relative_to(folder) for path in needed)


def _do_not_wait() -> None:
    raise BlockingIOError
