"""Running instances: processes that serve requests, outlive Canonry's own restarts, and are found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from canonry.ports.builder import LogLine, Mount


@dataclass(frozen=True)
class Resources:
    """What one instance may use. cpu: cores (0.5 is half of one), None for no limit of its own.

    oom_score: 0 to 1000; when the whole machine is short of memory, what has the highest ends first.
    """

    memory_mb: int
    cpu: float | None = None
    processes: int = 256
    oom_score: int = 500


@dataclass(frozen=True)
class InstanceSpec:
    """All that is needed to start one instance (or one command).

    id: chosen by the caller, unique for ever. app: folder mounted read-only at /app, which is the working folder
    (`/app/<directory>` when directory is not "."). command runs as `sh -c` there. environment: all of the app's environment but PORT.
    log: file that stdout and stderr are appended to. needs_port: give it a free port in $PORT and report the address.
    """

    id: str
    app: Path
    command: str
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    resources: Resources
    mounts: Sequence[Mount] = ()
    directory: str = "."
    needs_port: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InstanceState:
    """What an instance is doing now.

    running: its process is alive. address: `127.0.0.1:34567`, None when it has no port. exit_code: of the app, None while running
    or when unknown. reason: one sentence when it ended (`exited with code 3`, `killed: over 512 MiB of memory`), else empty.
    memory_bytes and cpu_seconds: of the whole process tree, 0 when ended. started: unix time.
    """

    id: str
    running: bool
    address: str | None = None
    pid: int | None = None
    exit_code: int | None = None
    reason: str = ""
    started: float = 0.0
    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)


class Runtime(Protocol):
    """Starts, finds, watches and stops instances."""

    def start(self, spec: InstanceSpec) -> InstanceState:
        """Start it and return at once. Starting an id that is already running returns its state and starts nothing.

        A crash of Canonry in the middle leaves either nothing or an instance that `states()` finds.
        Raises: StartFailed.
        """
        ...

    def run(self, spec: InstanceSpec, log: LogLine, timeout: float) -> int:
        """Run a command to its end in the same sandbox (release commands), each output line to `log`; return its exit code.

        After `timeout` seconds it is killed and 124 returned. The command does not outlive the caller.
        """
        ...

    def state(self, instance_id: str) -> InstanceState | None:
        """Return what that instance is doing, None when the runtime knows nothing of it."""
        ...

    def states(self) -> list[InstanceState]:
        """Return every instance the runtime knows, those started before a restart of Canonry included.

        Nothing is measured here (memory_bytes and cpu_seconds are 0): it is asked once a second, for all. `state` measures.
        """
        ...

    def stop(self, instance_id: str, grace: float) -> None:
        """Ask it to end (SIGTERM), wait up to `grace` seconds, then kill every process of it. Idempotent; returns when it is gone."""
        ...

    def forget(self, instance_id: str) -> None:
        """Drop what is kept of an ended instance (not its log). Idempotent."""
        ...
