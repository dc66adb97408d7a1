"""One command of a build: started in the sandbox with low priority, its output streamed, its bounds kept, and surely ended."""

import contextlib
import hashlib
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from canonry.adapters.builder.native.bounds import Bounds
from canonry.adapters.builder.native.output import Output
from canonry.infra import cgroups
from canonry.infra.cgroups import Group
from canonry.infra.processes import ProcessId, identify, is_alive
from canonry.infra.sandbox import Sandbox, carry_environment, sandboxed
from canonry.ports.builder import LogLine

# Outside, before bubblewrap: waits for a line on stdin, so that the limits are in force before anything of the user's runs.
_WAIT = 'read -r _ || exit 125; exec "$@"'
# Inside, before the command: says that the sandbox stands, and waits for our answer. Only from here on does the sandbox surely die
# with us; were we killed before, nobody answers. Without this, a kill in the few milliseconds of its setting up leaves it running.
_READY = 'echo; read -r _ || exit 125; exec "$@" < /dev/null'
_PATIENCE = 0.1  # seconds between looks at the bounds
_KILL_SECONDS = 10.0
_TOO_LARGE_A_FILE = frozenset({-signal.SIGXFSZ, 128 + signal.SIGXFSZ})  # one file alone reached the disk limit


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (128 + signal when killed), its last lines, the seconds it took."""

    code: int
    tail: Sequence[str]
    seconds: float


def run_step(argv: Sequence[str], sandbox: Sandbox, environment: Mapping[str, str], bounds: Bounds, log: LogLine, *, name: str) -> Ended:
    """Run a command to its end; each line of its output goes to `log`. However this returns, no process of it is left.

    name: of its control group; two commands of the same name never run at once.
    Raises: BuildCancelled; BuildFailed when a bound is passed. Any exit code is returned, not raised.
    """
    boxed = sandboxed(sandbox, ["/bin/sh", "-c", _READY, "sh", *argv])
    started = time.monotonic()
    output = Output(log)
    with _group(name, bounds) as group, _process(boxed, environment) as process:
        _limit(process.pid, bounds, group)
        bounds.begin()
        _answer(process, last=False)
        _follow(process, output, bounds, group)
        code = process.wait()
        if group is not None and group.was_oom_killed() and code != 0:
            raise bounds.out_of_memory()
        if code in _TOO_LARGE_A_FILE:
            raise bounds.out_of_disk()
    if time.monotonic() - started > 1:
        bounds.check_disk()
    return Ended(128 - code if code < 0 else code, output.tail, time.monotonic() - started)


def group_name(home: Path, cache_key: str) -> str:
    """Return the name of the control group for builds with this cache key; another home on the machine gets other names."""
    return "build-" + hashlib.sha256(f"{home}\0{cache_key}".encode()).hexdigest()[:20]


@contextlib.contextmanager
def _group(name: str, bounds: Bounds) -> Iterator[Group | None]:
    if left_over := cgroups.find(name):  # of a build whose process was killed
        left_over.kill()
        left_over.remove()
    group = cgroups.create(name, bounds.limits.memory_mb, bounds.limits.processes)
    try:
        yield group
    finally:
        if group is not None:
            group.kill()
            group.remove()


@contextlib.contextmanager
def _process(boxed: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start bubblewrap's command line behind a shell that waits; the environment is for the command inside alone."""
    carried = carry_environment(environment)
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT, "sh", boxed[0], "--args", str(carried), *boxed[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={}, cwd="/", start_new_session=True, bufsize=0, pass_fds=[carried],
        )  # fmt: skip
    finally:
        os.close(carried)
    try:
        yield process
    finally:
        _end(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _limit(pid: int, bounds: Bounds, group: Group | None) -> None:
    """Set limits and low priority on the waiting shell; all that follows inherits them."""
    process = psutil.Process(pid)
    size = bounds.limits.disk_mb << 20
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    process.nice(10)
    with contextlib.suppress(OSError, psutil.Error):  # some container hosts forbid these two
        process.ionice(psutil.IOPRIO_CLASS_IDLE)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
    if group is not None:
        group.add(pid)


def _answer(process: subprocess.Popen[bytes], *, last: bool) -> None:
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"\n")
        if last:
            process.stdin.close()


def _follow(process: subprocess.Popen[bytes], output: Output, bounds: Bounds, group: Group | None) -> None:
    """Read until the command closes its output, which it does at the latest when the sandbox's last process ends."""
    if process.stdout is None:
        return
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    last_look = 0.0
    reading, is_ready = True, False
    while reading or process.poll() is None:
        if reading and poll.poll(_PATIENCE * 1000):
            data = os.read(descriptor, 1 << 16)
            reading = bool(data)
            if not is_ready:  # the first thing written is the line of `_READY`, or bubblewrap's own complaint
                is_ready = True
                data = data.removeprefix(b"\n")
                _answer(process, last=True)
            output.feed(data)
        elif not reading:  # it closed its output and goes on, or is just ending
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_PATIENCE)
        if time.monotonic() - last_look > _PATIENCE:
            last_look = time.monotonic()
            bounds.check_running(process.pid, group)
    output.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left and wait until it is gone. The sandbox's own init is ours to wait for: with it goes its pid namespace."""
    if process.poll() is not None:
        return
    inside: list[ProcessId] = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
        inside = [found for child in children if (found := identify(child.pid))]
    process.kill()
    process.wait()
    deadline = time.monotonic() + _KILL_SECONDS
    while any(is_alive(child) for child in inside) and time.monotonic() < deadline:
        time.sleep(0.005)
