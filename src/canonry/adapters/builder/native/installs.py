"""The dependency phase of a build: a layer is found by its key or made by the install command."""

import re
from dataclasses import dataclass
from pathlib import Path

from canonry.adapters.builder.native.bounds import Bounds
from canonry.adapters.builder.native.failures import command_failed
from canonry.adapters.builder.native.layers import Layer, Layers, collect, find_modules, layer_key, restore_files, take_snapshot
from canonry.adapters.builder.native.rooms import Room
from canonry.adapters.builder.native.steps import Ended, run_step
from canonry.infra.files import remove_tree
from canonry.ports.builder import LogLine

_CACHE = ".cache"  # uv's cache in the environment's folder: the one thing there that stays
# One or more uv commands and nothing else: such an install may be tried without the network first, for it can be repeated.
_ONLY_UV = re.compile(r"\s*uv (?:sync|pip (?:install|sync))\b[^;|&<>$`()\n]*(?:&&\s*uv (?:sync|pip (?:install|sync))\b[^;|&<>$`()\n]*)*")
_PINNED = re.compile(r"[\w.\-\[\], ]+===?\s*[\w.+!]+\s*(?:;.*|--hash=.*|\\)?")
_LOCKED = frozenset({"uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"})


@dataclass(frozen=True)
class Installed:
    """What the phase gives. layer: shared and unchanging, or None. environment: a Python environment of this build's own, or None.

    ran: the install command was run, so the caches may have grown.
    """

    layer: Layer | None = None
    environment: Path | None = None
    ran: bool = False


class Installs:
    """Runs the install command of one build, or finds that it need not run."""

    def __init__(self, room: Room, layers: Layers, bounds: Bounds, log: LogLine, *, step: str, made: Path) -> None:
        self._room = room
        self._layers = layers
        self._bounds = bounds
        self._log = log
        self._step = step
        self._made = made

    def provide(self) -> Installed:
        """Return the dependencies the build needs. Raises: BuildFailed `install_failed`; what a bound raises."""
        command = self._room.request.plan.install
        if not command:
            return Installed()
        if not self._room.request.plan.lockfiles:
            self._run(command)
            return Installed(environment=self._take_environment(self._made / "env"), ran=True)
        key = layer_key(self._room)
        if layer := self._layers.find(key):
            restore_files(layer, self._room.tree)
            self._log("Dependencies are unchanged: using what was installed before")
            return Installed(layer=layer)
        return Installed(layer=self._make_layer(command, key), ran=True)

    def _make_layer(self, command: str, key: str) -> Layer:
        before = take_snapshot(self._room.tree)
        for path in find_modules(self._room.tree):  # packages that came with the source are the install's to make
            remove_tree(self._room.tree / path)
        self._run(command)
        made = self._made / "layer"
        parts = collect(self._room.tree, before, made)
        if self._take_environment(made / "env"):
            parts = (("env", "/env"), *parts)
        return self._layers.keep(key, made, parts)

    def _run(self, command: str) -> None:
        self._log(f"$ {command}")
        ended = self._try_offline(command) if self._may_go_offline(command) else None
        if ended is None:
            self._make_environment()
            ended = self._step_of(["/bin/sh", "-c", command], self._log)
        if ended.code != 0:
            raise command_failed("install", command, ended.code, ended.tail)
        self._log(f"Installed in {ended.seconds:.1f} s")

    def _try_offline(self, command: str) -> Ended | None:
        """Install from the cache alone; None (and no word in the log) when something is not in it."""
        self._make_environment()
        lines: list[str] = []
        ended = self._step_of(["/bin/sh", "-c", command], lines.append, offline=True)
        if ended.code != 0:
            return None
        for line in lines:
            self._log(line)
        return ended

    def _may_go_offline(self, command: str) -> bool:
        """Only when every version is written down: else the cache would decide which one is the newest."""
        folder = self._room.environment_folder / _CACHE
        if not _ONLY_UV.fullmatch(command) or not folder.is_dir():
            return False
        files = [self._room.tree / name for name in self._room.request.plan.lockfiles]
        return any(path.name in _LOCKED for path in files) or all(_is_pinned(path) for path in files if path.suffix == ".txt")

    def _make_environment(self) -> None:
        """Start from an empty environment, made inside: what lies there may be the work of an earlier, hostile build."""
        folder = self._room.environment_folder
        folder.mkdir(parents=True, exist_ok=True)
        for entry in folder.iterdir():
            if entry.name != _CACHE:
                remove_tree(entry)
        python = next((tool.program for tool in self._room.tools if tool.name == "python"), None)
        if python is None:
            return
        command = ["uv", "venv", "-q", "--no-config", "--no-project", "--allow-existing", "--python", python, "/env"]
        ended = self._step_of(command, self._log)
        if ended.code != 0:
            raise command_failed("install", "uv venv", ended.code, ended.tail)

    def _take_environment(self, target: Path) -> Path | None:
        if not self._room.has_python:
            return None
        target.mkdir(parents=True, exist_ok=True)
        for entry in self._room.environment_folder.iterdir():
            if entry.name != _CACHE:
                entry.rename(target / entry.name)
        return target

    def _step_of(self, argv: list[str], log: LogLine, *, offline: bool = False) -> Ended:
        environment = self._room.environment(installing=True) | ({"UV_OFFLINE": "1"} if offline else {})
        return run_step(argv, self._room.installing(), environment, self._bounds, log, name=self._step)


def _is_pinned(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    meant = [line.split(" #")[0].strip() for line in lines if line.strip() and not line.lstrip().startswith(("#", "--hash"))]
    return bool(meant) and all(_PINNED.fullmatch(line) for line in meant)
