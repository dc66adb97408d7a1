"""The builder of this machine: toolchains, dependency layer, build command, artifact; every command of the user's in a sandbox."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from uv import find_uv_bin

from canonry.adapters.builder.native.artifacts import Artifacts
from canonry.adapters.builder.native.assembly import Assembly
from canonry.adapters.builder.native.bounds import Bounds
from canonry.adapters.builder.native.digests import artifact_id, digest_tree
from canonry.adapters.builder.native.installs import Installs
from canonry.adapters.builder.native.kept import SAFE_KEY, KeptThings
from canonry.adapters.builder.native.layers import Layers
from canonry.adapters.builder.native.locks import hold
from canonry.adapters.builder.native.output import masking
from canonry.adapters.builder.native.plan import faults_of, plan_source
from canonry.adapters.builder.native.rooms import Room
from canonry.adapters.builder.native.steps import group_name
from canonry.adapters.builder.native.toolchains import Toolchains
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree
from canonry.infra.sandbox import why_unavailable
from canonry.infra.usage import bytes_in
from canonry.ports.builder import Artifact, BuildRequest, LogLine, Plan, PlanSettings, Stored
from canonry.ports.errors import BuildFailed


class NativeBuilder:
    """Builds on this machine. One build at a time per cache key; any number of keys at once."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._artifacts = Artifacts(home)
        self._toolchains = Toolchains(home)
        self._kept = KeptThings(home, self._artifacts, idle=2.0 * settings.build_timeout)

    def plan(self, source: Path, settings: PlanSettings) -> Plan:
        """See `ports.builder.Builder.plan`."""
        return plan_source(source, settings)

    def faults(self, settings: PlanSettings) -> dict[str, str]:
        """See `ports.builder.Builder.faults`."""
        return faults_of(settings)

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        """See `ports.builder.Builder.build`. The plan of the answer names the exact toolchains that were used."""
        log = masking(log, request.secrets)
        folders = _Folders(self._home, request.cache_key)
        kept = (request.source, request.work, folders.packages, folders.environment)
        bounds = Bounds(request.limits, request.cancelled, kept, request.room)
        bounds.check()
        with hold(folders.lock, bounds.check):
            try:
                return self._build(request, folders, bounds, log)
            except BuildFailed as error:
                if error.code == "build_disk_limit":  # the caches count too, and may be what is too large
                    folders.drop_caches()
                raise

    def load(self, artifact_id: str) -> Artifact:
        """See `ports.builder.Builder.load`."""
        return self._artifacts.load(artifact_id)

    def remove(self, artifact_id: str) -> None:
        """See `ports.builder.Builder.remove`."""
        if layers := self._artifacts.remove(artifact_id):
            with hold(self._home.caches / layers.name / "lock", lambda: None):
                Layers(layers).sweep(self._artifacts.used_layers())

    def forget(self, cache_key: str) -> None:
        """See `ports.builder.Builder.forget`."""
        key = _Folders(self._home, cache_key).key
        kept = [self._home.caches, self._home.artifacts / ".layers", self._home.artifacts / ".drafts"]
        names = {entry.name for folder in kept if folder.is_dir() for entry in folder.iterdir()}
        for name in sorted(name for name in names if name == key or name.startswith(f"{key}-")):
            with hold(self._home.caches / name / "lock", lambda: None):
                for folder in kept:
                    remove_tree(folder / name)

    def stored(self) -> list[Stored]:
        """See `ports.builder.Builder.stored`."""
        return [*self._kept.caches(), *self._kept.toolchains()]

    def discard(self, stored: Stored) -> bool:
        """See `ports.builder.Builder.discard`."""
        return self._kept.drop_caches(stored.name) if stored.kind == "cache" else self._kept.drop_toolchain(stored.name)

    def _build(self, request: BuildRequest, folders: "_Folders", bounds: Bounds, log: LogLine) -> Artifact:
        started = time.monotonic()
        tree = _find_tree(request)
        tools = self._toolchains.resolve(request.plan.toolchains, log, bounds.check)
        identity = artifact_id(digest_tree(tree), request.plan, tools, request.variables_digest, folders.key)
        if found := self._artifacts.find(identity):
            log(f"Nothing has changed since {identity}: using it again")
            return replace(found, reused=True)
        _require_sandbox(request.plan)
        with _swept(folders.draft, request.work / "home", request.work / "views"):
            for folder in (folders.packages, folders.environment, folders.draft, request.work / "home"):
                folder.mkdir(parents=True, exist_ok=True)
            room = Room(request, tree, tools, folders.packages, folders.environment, Path(find_uv_bin()))
            artifact = self._make(identity, room, folders, bounds, log)
        log(f"Built {identity} in {time.monotonic() - started:.1f} s")
        return artifact

    def _make(self, identity: str, room: Room, folders: "_Folders", bounds: Bounds, log: LogLine) -> Artifact:
        layers = Layers(folders.layers)
        installed = Installs(room, layers, bounds, log, step=folders.group, made=folders.draft).provide()
        assembly = Assembly(room, installed, bounds, log, step=folders.group, kept=folders.kept, draft=folders.draft / "artifact")
        assembly.run_build()
        bounds.check()
        artifact = self._artifacts.publish(assembly.assemble(identity))
        if installed.layer is not None:
            layers.sweep(self._artifacts.used_layers())
        if installed.ran and bytes_in([folders.packages, folders.environment]) > (room.request.limits.disk_mb << 20) // 2:
            folders.drop_caches()
        return artifact


class _Folders:
    """Where a cache key's things lie."""

    def __init__(self, home: Home, cache_key: str) -> None:
        self.key = cache_key if SAFE_KEY.fullmatch(cache_key) else hashlib.sha256(cache_key.encode()).hexdigest()[:32]
        base = home.caches / self.key
        self.lock = base / "lock"
        self.packages = base / "packages"
        self.environment = base / "environment"
        self.kept = base / "kept"
        self.layers = home.artifacts / ".layers" / self.key
        self.draft = home.artifacts / ".drafts" / self.key
        self.group = group_name(home.root, self.key)

    def drop_caches(self) -> None:
        """Empty the package caches: they only save time, and nothing else makes them smaller."""
        for folder in (self.packages, self.environment, self.kept):
            remove_tree(folder)


@contextmanager
def _swept(*folders: Path) -> Iterator[None]:
    """Begin without these folders (an earlier build may have been killed) and end without them."""
    for folder in folders:
        remove_tree(folder)
    try:
        yield
    finally:
        for folder in folders:
            remove_tree(folder)


def _find_tree(request: BuildRequest) -> Path:
    tree = (request.source / request.plan.root_dir).resolve()
    if not tree.is_dir() or not tree.is_relative_to(request.source.resolve()):
        raise BuildFailed(
            "root_dir_missing", f"The source has no folder `{request.plan.root_dir}`.", hint="Correct root_dir in the project's settings."
        )
    return tree


def _require_sandbox(plan: Plan) -> None:
    """Return when the plan has no commands, or a sandbox to run them in. Raises: BuildFailed `sandbox_unavailable`."""
    if (plan.install or plan.build) and (reason := why_unavailable()):
        raise BuildFailed("sandbox_unavailable", f"This machine does not let Canonry build in a sandbox: {reason}",
                          hint="Allow user namespaces for Canonry's user; `canonry doctor` shows how.")  # fmt: skip
