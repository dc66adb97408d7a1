"""The bounds of one build: time, cancelling, memory, processes and disk. What the kernel does not keep is watched here."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from canonry.infra.cgroups import Group
from canonry.infra.usage import bytes_in
from canonry.ports.builder import Limits
from canonry.ports.errors import BuildCancelled, BuildFailed

_USAGE_EVERY = 0.25  # seconds between looks at memory and processes where no control group keeps them
_DISK_FIRST = 0.5
_DISK_SHARE = 20  # measuring the disk may take one part in this many of the time


class Bounds:
    """Asked often while a build runs; raises when a bound is passed."""

    def __init__(
        self, limits: Limits, cancelled: Callable[[], bool], folders: Sequence[Path], room: Callable[[], None] = lambda: None
    ) -> None:
        self.limits = limits
        self._room = room
        self._cancelled = cancelled
        self._folders = folders
        self._deadline = time.monotonic() + limits.seconds
        self._next_disk = 0.0
        self._next_usage = 0.0

    def check(self) -> None:
        """Return when the build may go on. Raises: BuildCancelled; BuildFailed `build_timeout`; what `room` raises."""
        if self._cancelled():
            raise BuildCancelled("build_cancelled", "The build was cancelled.")
        self._room()
        if time.monotonic() > self._deadline:
            raise BuildFailed("build_timeout", f"The build took longer than {self.limits.seconds} s and was stopped.",
                              hint="Make the build do less, or raise CANONRY_BUILD_TIMEOUT.")  # fmt: skip

    def begin(self) -> None:
        """Note that a command starts: the first look at the disk is due a little later."""
        self._next_disk = time.monotonic() + _DISK_FIRST

    def check_running(self, pid: int, group: Group | None) -> None:
        """As `check`, and the usage of the command whose outermost process is `pid`. Raises: BuildFailed with the limit's code."""
        self.check()
        now = time.monotonic()
        if now >= self._next_disk:
            self.check_disk()
            self._next_disk = time.monotonic() + max(_DISK_FIRST, (time.monotonic() - now) * _DISK_SHARE)
        if group is None and now >= self._next_usage:
            self._next_usage = now + _USAGE_EVERY
            self._check_usage(pid)

    def check_disk(self) -> None:
        """Measure what the build keeps on disk, caches included. Raises: BuildFailed `build_disk_limit`."""
        if bytes_in(self._folders) > self.limits.disk_mb << 20:
            raise self.out_of_disk()

    def out_of_disk(self) -> BuildFailed:
        """Return the error for a build that wrote too much."""
        return BuildFailed("build_disk_limit", f"The build wrote more than {self.limits.disk_mb} MiB and was stopped.",
                           hint="Write less, or raise CANONRY_BUILD_DISK.")  # fmt: skip

    def out_of_memory(self) -> BuildFailed:
        """Return the error for a command that was ended for its memory."""
        return BuildFailed("build_out_of_memory", f"The build used more than {self.limits.memory_mb} MiB of memory and was stopped.",
                           hint="Make the build use less memory (fewer workers), or raise CANONRY_BUILD_MEMORY.")  # fmt: skip

    def _check_usage(self, pid: int) -> None:
        memory = count = 0
        try:
            for process in psutil.Process(pid).children(recursive=True):
                count += 1
                with_shared = process.memory_info()
                memory += max(with_shared.rss - with_shared.shared, 0)
        except psutil.Error:  # it has just ended
            return
        if memory > self.limits.memory_mb << 20:
            raise self.out_of_memory()
        if count > self.limits.processes:
            raise BuildFailed("build_process_limit", f"The build started more than {self.limits.processes} processes and was stopped.",
                              hint="Make the build start fewer processes at once.")  # fmt: skip
