"""A runtime that only pretends: for tests of what stands above the port, and the second witness of the port's contract.

No process is started. It understands the few shell commands of the contract suite, written as for the real one and parted by `;`:
`echo WORDS`, `sleep SECONDS`, `exit CODE`, `trap '' TERM` (which makes it deaf to SIGTERM); whatever else is "not found" (127).
Sandbox, memory and cpu do not exist here; `memory_bytes` is what `Machine.memory` says.
"""

import itertools
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from canonry.ports.builder import LogLine
from canonry.ports.errors import StartFailed
from canonry.ports.runtime import InstanceSpec, InstanceState

_TERMINATED, _KILLED, _NOT_FOUND, _TIMED_OUT = 143, 137, 127, 124


@dataclass
class Machine:
    """What outlives a runtime object: hand it to the next one to play a restart of Canonry.

    memory: instance id → bytes in use. ports: those to give out; nobody listens on them unless the test sees to it.
    """

    programs: dict[str, "_Program"] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    ports: Iterator[int] = field(default_factory=lambda: itertools.count(20_000))


class MemoryRuntime:
    """Pretends to run instances; see the port for what the functions promise."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or Machine()
        self._lock = threading.Lock()

    def start(self, spec: InstanceSpec) -> InstanceState:
        """Start the pretence. Raises: StartFailed `app_missing`."""
        _check(spec)
        with self._lock:
            known = self.machine.programs.get(spec.id)
            if known is None or known.code is not None:
                known = _Program(spec, next(self.machine.ports) if spec.needs_port else None, _append_to(spec))
                self.machine.programs[spec.id] = known
                known.thread.start()
            return self._state_of(known)

    def run(self, spec: InstanceSpec, log: LogLine, timeout: float) -> int:
        """Pretend to run a command to its end."""
        _check(spec)
        program = _Program(spec, None, log)
        program.thread.start()
        program.thread.join(timeout)
        if program.code is None:
            program.end(_KILLED, "killed")
            log(f"killed: it had not ended after {timeout:g} s")
            return _TIMED_OUT
        return program.code

    def state(self, instance_id: str) -> InstanceState | None:
        """Return what it pretends to be doing."""
        program = self.machine.programs.get(instance_id)
        return self._state_of(program) if program else None

    def states(self) -> list[InstanceState]:
        """Return all of them."""
        return [self._state_of(program) for _, program in sorted(self.machine.programs.items())]

    def stop(self, instance_id: str, grace: float) -> None:
        """End it: at once, or after `grace` seconds when it does not listen."""
        program = self.machine.programs.get(instance_id)
        if program is None or program.code is not None:
            return
        if program.deaf:
            program.thread.join(grace)
            program.end(_KILLED, f"stopped: killed, it had not ended {grace:g} s after SIGTERM")
        program.end(_TERMINATED, "stopped")
        program.thread.join()

    def forget(self, instance_id: str) -> None:
        """Drop an ended one."""
        program = self.machine.programs.get(instance_id)
        if program is not None and program.code is not None:
            del self.machine.programs[instance_id]

    def crash(self, instance_id: str, code: int = 1) -> None:
        """Let an instance end by itself, as a test wants it."""
        program = self.machine.programs[instance_id]
        program.end(code, f"exited with code {code}")
        program.thread.join()

    def _state_of(self, program: "_Program") -> InstanceState:
        running = program.code is None
        return InstanceState(
            id=program.spec.id,
            running=running,
            address=f"127.0.0.1:{program.port}" if program.port else None,
            exit_code=program.code,
            reason=program.reason,
            started=program.started,
            memory_bytes=self.machine.memory.get(program.spec.id, 0) if running else 0,
            labels=dict(program.spec.labels),
        )


class _Program:
    """One pretended process: a thread that goes through the commands."""

    def __init__(self, spec: InstanceSpec, port: int | None, write: LogLine) -> None:
        self.spec, self.port = spec, port
        self.started = time.time()
        self.code: int | None = None
        self.reason = ""
        self.deaf = False
        self._write = write
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, name=f"pretended-{spec.id}", daemon=True)

    def end(self, code: int, reason: str) -> None:
        """End it; the first reason stays."""
        with self._lock:
            if self.code is None:
                self.code, self.reason = code, reason
        self._ended.set()

    def _run(self) -> None:
        for command in self.spec.command.split(";"):
            if self._ended.is_set():
                return
            self._do(shlex.split(command))
        self.end(0, "exited with code 0")

    def _do(self, words: list[str]) -> None:
        match words:
            case ["echo", *rest]:
                self._write(" ".join(rest))
            case ["sleep", seconds]:
                self._ended.wait(float(seconds))
            case ["exit", code]:
                self.end(int(code), f"exited with code {code}")
            case ["trap", "", "TERM"]:
                self.deaf = True
            case [unknown, *_]:
                self._write(f"sh: 1: {unknown}: not found")
                self.end(_NOT_FOUND, f"exited with code {_NOT_FOUND}: the command was not found")
            case _:
                pass


def _check(spec: InstanceSpec) -> None:
    if not (spec.app / spec.directory).is_dir():
        raise StartFailed("app_missing", f"The folder {spec.directory} of the app is not there ({spec.id}).", hint="Deploy again.")


def _append_to(spec: InstanceSpec) -> Callable[[str], None]:
    def write(line: str) -> None:
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("a") as file:
            file.write(f"{line}\n")

    return write
