"""What a build sees: the folders of its sandbox and the environment of its commands.

    /app        the source, writable             /env      the Python environment: writable while installing, a view of the layer after
    /cache      the project's package caches     /home/app an empty home      /opt/<tool> and interpreters: read-only

While installing, uv's cache lies in /env/.cache: hard links work only within one mount, and links are what makes uv fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canonry.adapters.builder.native.indexes import HOME_INSIDE, index_binds, index_environment
from canonry.adapters.builder.native.toolchains import Tool
from canonry.infra.sandbox import Bind, Overlay, Sandbox
from canonry.ports.builder import BuildRequest, Mount

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
_UV_INSIDE = "/opt/uv"
# Less talk and fewer look-ups by the package managers; a project's own variables win over these.
_QUIET = {"UV_NO_PROGRESS": "1", "PIP_NO_INPUT": "1", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "NPM_CONFIG_PREFER_OFFLINE": "true",
          "NPM_CONFIG_FUND": "false", "NPM_CONFIG_AUDIT": "false", "NPM_CONFIG_UPDATE_NOTIFIER": "false", "DO_NOT_TRACK": "1",
          "CI": "1", "NEXT_TELEMETRY_DISABLED": "1", "ASTRO_TELEMETRY_DISABLED": "1", "NUXT_TELEMETRY_DISABLED": "1"}  # fmt: skip


@dataclass(frozen=True)
class View:
    """A shared folder seen writable by a build: `overlay` when the machine can do that, else a private copy as `bind`."""

    target: str
    overlay: Overlay | None = None
    bind: Bind | None = None


@dataclass(frozen=True)
class Room:
    """The sandboxes of one build. tree: becomes /app. environment_folder: host folder seen as /env while installing."""

    request: BuildRequest
    tree: Path
    tools: Sequence[Tool]
    packages: Path
    environment_folder: Path
    uv: Path

    @property
    def has_python(self) -> bool:
        """Whether the build has a Python of its own, and so an environment."""
        return any(tool.name == "python" for tool in self.tools)

    def installing(self) -> Sandbox:
        """Return the sandbox of the install command."""
        binds = [Bind(self.environment_folder, "/env", writable=True)] if self.has_python else []
        return Sandbox(binds=[*self._binds(), *binds], directory="/app", hostname="build")

    def building(self, views: Sequence[View]) -> Sandbox:
        """Return the sandbox of the build command."""
        overlays = [view.overlay for view in views if view.overlay]
        binds = [view.bind for view in views if view.bind]
        return Sandbox(binds=[*self._binds(), *binds], overlays=overlays, directory="/app", hostname="build")

    def environment(self, *, installing: bool) -> dict[str, str]:
        """Return the whole environment of a command. The user's variables win over ours, but for those that say where things are."""
        request = self.request
        chosen = {"LANG": "C.UTF-8", **index_environment(), **_QUIET, **request.plan.variables, **request.variables}
        if installing and "NODE_ENV" not in request.plan.variables:
            chosen.pop("NODE_ENV", None)  # NODE_ENV=production would leave out what the build needs
        for tool in self.tools:
            chosen |= tool.environment
        return chosen | self._places(installing=installing)

    def running_environment(self, *, has_environment: bool) -> dict[str, str]:
        """Return what the app needs at run time to find its toolchains and packages."""
        # Without HOME a program takes the one that the machine's user list has, which is not there or cannot be written to.
        chosen: dict[str, str] = {"LANG": "C.UTF-8", "HOME": "/tmp"}  # noqa: S108 -- the instance's own, which goes with it
        for tool in self.tools:
            chosen |= tool.environment
            if tool.name == "node":
                chosen["NODE_ENV"] = "production"
            if tool.name == "deno":
                chosen["DENO_DIR"] = "/app/.deno"
        if has_environment:
            chosen |= {"VIRTUAL_ENV": "/env", "UV_PROJECT_ENVIRONMENT": "/env"}
        return {**chosen, **self.request.plan.variables, "PATH": self._path(has_environment=has_environment)}

    def mounts(self) -> tuple[Mount, ...]:
        """Return the toolchains' folders, which the app needs at run time too."""
        return tuple(mount for tool in self.tools for mount in tool.mounts if tool.name != "go")

    def _binds(self) -> list[Bind]:
        home = self.request.work / "home"
        tools = [Bind(mount.source, mount.target) for tool in self.tools for mount in tool.mounts]
        return [
            Bind(self.tree, "/app", writable=True), Bind(self.packages, "/cache", writable=True), Bind(home, HOME_INSIDE, writable=True),
            Bind(self.uv, f"{_UV_INSIDE}/uv"), *tools, *index_binds(),
        ]  # fmt: skip

    def _path(self, *, has_environment: bool) -> str:
        folders = ["/env/bin"] if has_environment else []
        if any(tool.name == "node" for tool in self.tools):
            folders.append("/app/node_modules/.bin")
        return ":".join([*folders, *(folder for tool in self.tools for folder in tool.path), *_SYSTEM_PATH])

    def _places(self, *, installing: bool) -> dict[str, str]:
        places = {
            "PATH": f"{self._path(has_environment=self.has_python)}:{_UV_INSIDE}", "HOME": HOME_INSIDE,
            "UV_CACHE_DIR": "/env/.cache" if installing and self.has_python else "/cache/uv", "UV_COMPILE_BYTECODE": "1",
            "PIP_CACHE_DIR": "/cache/pip", "NPM_CONFIG_CACHE": "/cache/npm", "PNPM_HOME": "/cache/pnpm",
            "YARN_CACHE_FOLDER": "/cache/yarn", "BUN_INSTALL_CACHE_DIR": "/cache/bun", "DENO_DIR": "/app/.deno",
            "GOCACHE": "/cache/go/build", "GOMODCACHE": "/cache/go/modules", "GOPATH": "/cache/go/path",
        }  # fmt: skip
        if self.has_python:
            places |= {"VIRTUAL_ENV": "/env", "UV_PROJECT_ENVIRONMENT": "/env", "UV_PYTHON_DOWNLOADS": "never"}
        return places
