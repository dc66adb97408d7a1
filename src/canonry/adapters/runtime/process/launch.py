"""From an instance's specification to a running process: the command line, the environment, the files it starts with."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from canonry.core.settings import Settings
from canonry.infra import sandbox
from canonry.infra.cgroups import Group
from canonry.infra.sandbox import Bind, Sandbox
from canonry.ports.errors import StartFailed
from canonry.ports.runtime import InstanceSpec

# The first line of all that is started: no core dumps, first to go when memory is short, the report's file on descriptor 3, then the
# real program under the same pid.
_PREPARE = 'ulimit -c 0; { echo "$1" > /proc/self/oom_score_adj; } 2>/dev/null; exec 3>>"$2"; shift 2; exec "$@"'
# Without a control group the kernel counts the processes of the sandbox itself (not root's); shells spell the option differently.
_COUNT = 'ulimit -u "$1" 2>/dev/null || ulimit -p "$1" 2>/dev/null; shift; exec "$@"'
# Without a sandbox: stays as the command's parent and reports its exit code as bubblewrap does. $1 and $2 name the instance to /proc.
_REPORT = 'shift 2; "$@" 3>&-; code=$?; echo "{ \\"exit-code\\": $code }" >&3; exit $code'


@dataclass(frozen=True)
class Launch:
    """How an instance is started, decided by `Launcher.prepare`. boxed: in a sandbox. port: given to it in $PORT."""

    spec: InstanceSpec
    boxed: bool
    port: int | None = None
    group: Group | None = None


class Launcher:
    """Starts commands in the sandbox, or without one where there is none and the settings allow it."""

    def __init__(self, settings: Settings, why_no_sandbox: Callable[[], str] = sandbox.why_unavailable) -> None:
        self._allow_bare = settings.allow_no_sandbox
        self._why_no_sandbox = why_no_sandbox

    def check(self, spec: InstanceSpec) -> bool:
        """Say whether it will run in a sandbox (True) or without (False).

        Raises: StartFailed `app_missing`, `mount_missing`, `no_sandbox`, `needs_sandbox`.
        """
        if not _folder(spec).is_dir():
            raise StartFailed("app_missing", f"The folder {spec.directory} of the app is not there ({spec.id}).",
                              hint="Deploy again; the artifact may have been deleted.")  # fmt: skip
        for mount in spec.mounts:
            if not mount.source.exists():
                raise StartFailed("mount_missing", f"What the app needs at {mount.target} is not there ({spec.id}).",
                                  hint="Deploy again without the build cache.")  # fmt: skip
        if reason := self._why_no_sandbox():
            self._check_bare(spec, reason)
        return not reason

    def _check_bare(self, spec: InstanceSpec, reason: str) -> None:
        if not self._allow_bare:
            raise StartFailed("no_sandbox", f"Apps cannot be sandboxed on this machine: {reason}",
                              hint="Allow user namespaces (see `canonry doctor`), or set CANONRY_ALLOW_NO_SANDBOX=1.")  # fmt: skip
        moved = sorted(mount.target for mount in spec.mounts if str(mount.source) != mount.target)
        if moved:
            raise StartFailed("needs_sandbox", f"Only a sandbox can show the app its {', '.join(moved)}, and there is none: {reason}",
                              hint="Allow user namespaces on this machine; `canonry doctor` says how.")  # fmt: skip


def spawn_detached(launch: Launch, status: Path) -> subprocess.Popen[bytes]:
    """Start an instance in a session of its own. It appends its output to its log and its exit code to `status`, and may outlive us.

    Raises: OSError; Invalid `invalid_variable`.
    """
    log = launch.spec.log
    log.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.close(os.open(status, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        return _spawn(launch, status, output=output, detached=True)
    finally:
        os.close(output)


def spawn_command(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a command whose output (stdout and stderr) is read from `.stdout`; it ends with the thread that called.

    Raises: OSError; Invalid `invalid_variable`.
    """
    return _spawn(launch, None, output=subprocess.PIPE, detached=False)


class _Detached(subprocess.Popen[bytes]):
    """A child that may outlive us: nobody has to wait for it."""

    def __del__(self) -> None:
        """Leave it running, without the warning that it still runs."""


def _spawn(launch: Launch, status: Path | None, *, output: int, detached: bool) -> subprocess.Popen[bytes]:
    spec = launch.spec
    own = {} if launch.port is None else {"PORT": str(launch.port)}
    variables = {**spec.environment, **own}
    kind = _Detached if detached else subprocess.Popen
    if not launch.boxed:
        variables["CANONRY_INSTANCE"] = spec.id  # by this every process of it is found, whatever it does
        argv = _prepared(launch, _bare(launch, report=status is not None), status)
        return kind(argv, env=variables, cwd=_folder(spec), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True)  # fmt: skip
    carried = sandbox.carry_environment(variables)
    try:
        argv = _prepared(launch, _boxed(launch, carried, report=status is not None, dies_with_parent=not detached), status)
        return kind(argv, env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=[carried],
                    start_new_session=True)  # fmt: skip
    finally:
        os.close(carried)


def _boxed(launch: Launch, carried: int, *, report: bool, dies_with_parent: bool) -> list[str]:
    spec = launch.spec
    inside = ["/bin/sh", "-c", spec.command]
    if launch.group is None:
        inside = ["/bin/sh", "-c", _COUNT, "sh", str(spec.resources.processes), *inside]
    binds = [Bind(spec.app, "/app"), *(Bind(mount.source, mount.target, mount.writable) for mount in spec.mounts)]
    directory = str(PurePosixPath("/app") / spec.directory)
    argv = sandbox.sandboxed(Sandbox(tuple(binds), directory=directory, dies_with_parent=dies_with_parent, hostname=spec.id), inside)
    argv[1:1] = ["--args", str(carried), *(["--json-status-fd", "3"] if report else [])]
    return argv


def _bare(launch: Launch, *, report: bool) -> list[str]:
    inside = ["/bin/sh", "-c", launch.spec.command]
    return ["/bin/sh", "-c", _REPORT, "sh", "--hostname", launch.spec.id, *inside] if report else inside


def _prepared(launch: Launch, argv: list[str], status: Path | None) -> list[str]:
    argv = ["/bin/sh", "-c", _PREPARE, "sh", str(launch.spec.resources.oom_score), str(status or os.devnull), *argv]
    return launch.group.joining(argv) if launch.group else argv


def _folder(spec: InstanceSpec) -> Path:
    inside = PurePosixPath(spec.directory)
    if inside.is_absolute() or ".." in inside.parts:
        raise StartFailed("app_missing", f"{spec.directory!r} is not a folder of the app ({spec.id}).", hint="Correct root_dir.")
    return spec.app / inside
