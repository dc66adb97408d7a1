"""What the process runtime keeps of each instance: `<home>/instances/<id>/state.json`, and a lock beside it.

The record is written before the process is started and again after, so a crash at any point leaves a record, and the record leads to
the process. The lock (flock) is held while an instance is being started, stopped or settled: an unfinished record whose lock is free
was left by a crash. Nothing is synced to the disk: after a power cut there is no instance left to find.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from canonry.infra.files import remove_tree, write_atomic
from canonry.ports.errors import StartFailed

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

STARTING, RUNNING, ENDED, COMMAND = "starting", "running", "ended", "command"


@dataclass(frozen=True)
class Record:
    """One instance. phase: starting (no pid known yet), running, ended, or command (a release command, never an instance).

    pid: of the process that watches over the sandbox; it ends with the command. ticks: when that started. boot: the run of the machine.
    stopping: somebody asked it to end. killed: why we killed it, when we did.
    """

    id: str
    phase: str
    created: float
    boot: str
    log: str
    memory_mb: int
    processes: int
    port: int | None = None
    sandboxed: bool = True
    pid: int = 0
    ticks: int = 0
    stopping: bool = False
    killed: str = ""
    exit_code: int | None = None
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Records:
    """The records of one home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, instance_id: str) -> Path:
        """Return the instance's own folder. Raises: StartFailed `invalid_instance_id` (an id is a file name and a host name)."""
        if not _ID.fullmatch(instance_id):
            raise StartFailed("invalid_instance_id", f"{instance_id[:80]!r} cannot name an instance.",
                              hint="Use up to 63 letters, digits, - and _.")  # fmt: skip
        return self._folder / instance_id

    def ids(self) -> list[str]:
        """Return the ids of all instances there is a record of."""
        try:
            return sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir() and _ID.fullmatch(entry.name))
        except FileNotFoundError:
            return []

    def read(self, instance_id: str) -> Record | None:
        """Return the record, None when there is none or what is there is no record (a power cut).

        Raises: OSError when it cannot be read now, which says nothing about the instance.
        """
        try:
            return Record(**json.loads((self.folder(instance_id) / "state.json").read_bytes()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def write(self, record: Record) -> Record:
        """Replace the record and return it."""
        write_atomic(self.folder(record.id) / "state.json", json.dumps(asdict(record)), mode=0o600, sync=False)
        return record

    def remove(self, instance_id: str) -> None:
        """Delete all that is kept of it."""
        remove_tree(self.folder(instance_id))

    @contextlib.contextmanager
    def lock(self, instance_id: str, *, make: bool = False, wait: bool = True) -> Iterator[bool]:
        """Hold the instance's lock; yields False when there is no such instance or (wait=False) somebody else holds it.

        make: makes the folder of a new instance, and always waits.
        """
        folder = self.folder(instance_id)
        descriptor = _lock(folder / "lock", wait=wait)
        while make and descriptor is None:  # again when somebody tidied the new folder away meanwhile
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _lock(folder / "lock", wait=True)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def status_file(self, instance_id: str) -> Path:
        """Where the sandbox reports (`Status`), whether Canonry runs or not."""
        return self.folder(instance_id) / "status"

    def status(self, instance_id: str) -> "Status":
        """Return what the sandbox has reported so far."""
        values: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError):
            for line in self.status_file(instance_id).read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    values.update(json.loads(line))
        return Status(values.get("child-pid"), values.get("exit-code"))


@dataclass(frozen=True)
class Status:
    """The sandbox's own report. init: pid of the first process inside. exit_code: of the command, once it has ended."""

    init: int | None = None
    exit_code: int | None = None


def _lock(path: Path, *, wait: bool) -> int | None:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path)):  # noqa: PTH110, PTH116 -- not removed meanwhile
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        os.close(descriptor)
