"""Planning and building: a source folder becomes a plan (data), a plan becomes an artifact (files that never change)."""

import hmac
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

type LogLine = Callable[[str], None]
"""Takes one line of a build's output, without its line end. Never raises for what a line contains."""


@dataclass(frozen=True)
class Toolchain:
    """A language runtime the build needs: `name` (python, node, deno, go), the exact or partial version chosen, and why."""

    name: str
    version: str
    reason: str


@dataclass(frozen=True)
class StaticSite:
    """Files that the edge serves itself.

    root: folder of the files, relative to the source (after the build). single_page: unknown paths answer with index.html.
    """

    root: str
    single_page: bool = False


@dataclass(frozen=True)
class DeclaredVolume:
    """A folder that is kept over deploys, as the source asks for it. path: where the app sees it; size_bytes: how much it may hold."""

    name: str
    path: str
    size_bytes: int


@dataclass(frozen=True)
class Plan:
    """What a deploy would do with a source. Pure data: the same object is shown by the CLI, answered by the API and built.

    provider: static, python, node, deno, go or shell. framework: django, next, … or None.
    install, build, release: commands (for `sh -c` in the sandbox) or None when there is nothing to do.
    processes: name → command; `web` gets $PORT and is what hosts route to. Empty for a static site.
    static: set when the result is served by the edge itself; then `processes` has no `web`.
    port: what the app is told in $PORT is chosen at start; this is the port it insists on, or None.
    caches: folders kept between builds, relative to the source. variables: non-secret environment for build and run.
    found: what was seen that led here (`requirements.txt`, `next in package.json`), for people to read.
    root_dir: the folder of the source that becomes /app (the repository's root for a workspace; the commands then `cd`).
    static.root, caches and lockfiles are relative to it.
    volumes: folders that the app may write to and that outlive its releases; where one lies below /app, the artifact has an empty folder.
    lockfiles: files whose content decides the dependency layer; empty when `install` reads more than a list can name.
    overrides: keys that came from canonry.toml, Procfile or the project.
    mask: SQL script of the source that takes what is personal out of a preview's copy of the database, or None.
    database_assert: a query that gives one row with true on every sound copy of the database, or None.
    """

    provider: str
    toolchains: tuple[Toolchain, ...] = ()
    framework: str | None = None
    install: str | None = None
    build: str | None = None
    release: str | None = None
    processes: Mapping[str, str] = field(default_factory=dict)
    static: StaticSite | None = None
    port: int | None = None
    root_dir: str = "."
    caches: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    health_path: str = "/"
    found: tuple[str, ...] = ()
    lockfiles: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    mask: str | None = None
    volumes: tuple[DeclaredVolume, ...] = ()
    database_assert: str | None = None


@dataclass(frozen=True)
class PlanSettings:
    """What a project asks of its plans; each value wins over canonry.toml, which wins over what is detected.

    provider: who plans, when the first that fits is the wrong one.
    pins: toolchain name → version that an earlier deploy of the project chose by default, so that a later default changes nothing.
    """

    provider: str | None = None
    root_dir: str | None = None
    python_version: str | None = None
    node_version: str | None = None
    install_command: str | None = None
    build_command: str | None = None
    start_command: str | None = None
    output_dir: str | None = None
    health_path: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a build may use: seconds, MiB of memory, MiB of files written, processes."""

    seconds: int
    memory_mb: int
    disk_mb: int
    processes: int = 512


@dataclass(frozen=True)
class Mount:
    """A folder of the machine that a sandbox sees at `target`; read-only unless writable."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Artifact:
    """What a build made, immutable, named by content.

    id: `art_` and hex digits of the digest. folder: `<home>/artifacts/<id>`; it holds `app/` (mounted at /app) or, for a static
    site, `site/` (see the edge's contract), and `artifact.json`. mounts: further read-only folders the app needs (dependency
    layers, toolchains), at fixed paths. environment: variables the app needs to find them (PATH, VIRTUAL_ENV, NODE_ENV, …).
    reused: True when nothing was built because source, plan, toolchain and build variables were unchanged.
    """

    id: str
    folder: Path
    plan: Plan
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0
    reused: bool = False

    @property
    def site(self) -> Path | None:
        """The folder the edge serves when this is a static site, else None."""
        return self.folder / "site" if self.plan.static else None


@dataclass(frozen=True)
class BuildRequest:
    """One build. source: the unpacked tree (the builder may move its files away). cache_key: stable per project and environment.

    variables: build-time environment, given to the commands and to nobody else. secrets: values that never reach the log.
    digest_key: of a digest over the variables that may be seen (in ids, in names of caches). cancelled: asked often; True ends the build.
    room: asked often; raises when the disk has no room for builds any more, which ends the build.
    """

    source: Path
    plan: Plan
    cache_key: str
    work: Path
    limits: Limits
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Collection[str] = field(default=(), repr=False)
    digest_key: bytes = field(default=b"", repr=False)
    cancelled: Callable[[], bool] = lambda: False
    room: Callable[[], None] = lambda: None

    @property
    def variables_digest(self) -> str:
        """What stands for the variables wherever a build is named by what went into it: nobody without the key can try values out."""
        if not self.variables:
            return ""
        text = json.dumps(sorted(self.variables.items()))
        return hmac.digest(self.digest_key, text.encode(errors="surrogateescape"), "sha256").hex()


@dataclass(frozen=True)
class Stored:
    """Something that a builder keeps because it saves time, and could make again: the caches of one cache key, or a toolchain.

    name: the cache key, or the folder of the toolchain. used_at: when a build used it last, in seconds since the epoch.
    in_use: an artifact that is kept needs it to run.
    """

    kind: Literal["cache", "toolchain"]
    name: str
    bytes: int
    used_at: float
    in_use: bool = False


class Builder(Protocol):
    """Turns sources into plans and plans into artifacts."""

    def plan(self, source: Path, settings: PlanSettings) -> Plan:
        """Say what would be done with the tree at `source`. Reads files only: writes nothing, starts nothing, asks no network.

        Raises: Invalid `unknown_source` (what was found, what would work), Invalid `invalid_config` (file, key and remedy).
        """
        ...

    def faults(self, settings: PlanSettings) -> Mapping[str, str]:
        """Return what no source could be planned with: field → what is wrong with it and what to do. Empty when all may be used."""
        ...

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        """Make the artifact. Two calls with the same source, plan and variables give the same artifact, the second without work.

        A failed or cancelled build leaves no process and no half-made artifact behind, and may be tried again.
        Raises: BuildFailed with the command, its exit code and the reason; BuildCancelled.
        """
        ...

    def load(self, artifact_id: str) -> Artifact:
        """Return an artifact made earlier. Raises: NotFound `artifact_missing`."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Delete an artifact; one that is not there is no error."""
        ...

    def forget(self, cache_key: str) -> None:
        """Delete all that is kept between builds under this key, and under each that begins with it and a `-`. Harmless twice.

        For keys that no artifact is of any more: what artifacts share with each other goes too. Waits for a build of the key to end.
        """
        ...

    def stored(self) -> Sequence[Stored]:
        """Return what could be discarded. What lies beside it and was made by somebody else is not among it."""
        ...

    def discard(self, stored: Stored) -> bool:
        """Discard it and say whether it is gone: not what a build is using just now, nor what `in_use` says is needed."""
        ...
