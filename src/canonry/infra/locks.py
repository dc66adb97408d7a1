"""Locks between processes: held by an open file, so that the kernel lets go when the holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canonry.core.errors import Conflict


class FileLock:
    """One lock file; it names its holder's pid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock if nobody else holds it, and say whether we have it now. Raises: OSError when the file cannot be made."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def let_go(self) -> None:
        """Give the lock back; nothing happens when we do not hold it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """Return the pid of the process that holds it, None when nobody does."""
        try:
            descriptor = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 32).decode().strip()
            return int(text) if text.isdigit() else 0
        else:
            return None
        finally:
            os.close(descriptor)


@contextmanager
def locked(path: Path, *, timeout: float, purpose: str) -> Iterator[None]:
    """Hold the lock file inside the block. Raises: Conflict `busy` when somebody else holds it for longer than `timeout` seconds."""
    lock = FileLock(path)
    deadline = time.monotonic() + timeout
    while not lock.take():
        if time.monotonic() > deadline:
            raise Conflict("busy", f"Another process (pid {lock.holder()}) is about to {purpose}.", hint="Wait until it has finished.")
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.let_go()
