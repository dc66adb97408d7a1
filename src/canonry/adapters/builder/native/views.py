"""A writable view of a shared folder, and what came of it: writes go beside the layer, never into it."""

import functools
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from canonry.adapters.builder.native.rooms import View
from canonry.infra.sandbox import Bind, Overlay, Sandbox, sandboxed

# Written by tools for themselves; losing it changes nothing.
_PASSING = frozenset({"__pycache__", ".cache", ".vite", ".vite-temp", ".tmp", ".modules.yaml"})


@dataclass(frozen=True)
class Written:
    """One view in use. lower: the shared folder. upper: what the build wrote over it (with an overlay), or the whole private copy."""

    lower: Path
    view: View
    upper: Path

    def is_changed(self) -> bool:
        """Say whether the build wrote something that must be there when the app runs."""
        return self.view.overlay is None or _has_lasting(self.upper)

    def settle(self, target: Path) -> None:
        """Make at `target` what the build saw in the end. Unchanged files are hard links into the layer."""
        if self.view.overlay is None:
            self.upper.rename(target)
        else:
            _merge(self.lower, self.upper, target)


def open_view(lower: Path, target: str, area: Path) -> Written:
    """Prepare a writable view of `lower` at `target`; `area` is an empty folder of the build for what is written."""
    upper = area / "upper"
    if overlays_work():
        upper.mkdir(parents=True)
        (area / "upper.work").mkdir()
        return Written(lower, View(target, overlay=Overlay(lower, target, upper)), upper)
    area.mkdir(parents=True, exist_ok=True)
    shutil.copytree(lower, upper, symlinks=True)
    return Written(lower, View(target, bind=Bind(upper, target, writable=True)), upper)


@functools.cache
def overlays_work() -> bool:
    """Say whether this machine lets sandboxes have overlays with their writes on disk."""
    with tempfile.TemporaryDirectory(prefix="canonry-overlay-") as name:
        area = Path(name)
        for folder in ("lower", "upper", "upper.work"):
            (area / folder).mkdir()
        command = sandboxed(Sandbox(overlays=[Overlay(area / "lower", "/app", area / "upper")]), ["/bin/sh", "-c", "echo 1 > /app/probe"])
        try:
            return subprocess.run(command, capture_output=True, timeout=10, check=False, env={}).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False
        finally:
            shutil.rmtree(area / "upper.work", ignore_errors=True)


def _has_lasting(upper: Path) -> bool:
    with os.scandir(upper) as entries:
        for entry in entries:
            if entry.name in _PASSING:
                continue
            if not entry.is_dir(follow_symlinks=False) or _is_opaque(entry.path) or _has_lasting(Path(entry.path)):
                return True
    return False


def _merge(lower: Path | None, upper: Path | None, target: Path) -> None:
    """Write at `target` the union: upper over lower, whiteouts (character device 0/0) taking names away."""
    target.mkdir()
    over = {entry.name: entry for entry in os.scandir(upper)} if upper else {}
    under = {entry.name: entry for entry in os.scandir(lower)} if lower else {}
    for name in {*over, *under}:
        top, bottom = over.get(name), under.get(name)
        if top is not None and _is_whiteout(top):
            continue
        chosen = top or bottom
        if chosen is not None and chosen.is_dir(follow_symlinks=False):
            hidden = top is not None and _is_opaque(top.path)
            below = Path(bottom.path) if bottom is not None and bottom.is_dir(follow_symlinks=False) and not hidden else None
            _merge(below, Path(top.path) if top is not None else None, target / name)
        elif chosen is not None:
            _place(chosen, target / name)


def _place(entry: os.DirEntry[str], target: Path) -> None:
    if entry.is_symlink():
        target.symlink_to(Path(entry.path).readlink())
    elif entry.is_file(follow_symlinks=False):
        os.link(entry.path, target)  # both sides are finished and never written again


def _is_whiteout(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(path: str) -> bool:
    for name in ("user.overlay.opaque", "trusted.overlay.opaque"):
        try:
            if os.getxattr(path, name, follow_symlinks=False) == b"y":
                return True
        except OSError:
            continue
    return False
