"""Runs one command of an app to its end (release commands), line by line."""

import codecs
import os
import select
import subprocess
import time
from collections.abc import Callable
from enum import Enum, auto

from canonry.adapters.runtime.process import processes
from canonry.adapters.runtime.process.endings import over_memory
from canonry.adapters.runtime.process.launch import Launch, spawn_command
from canonry.ports.builder import LogLine

_TIMED_OUT, _KILLED = 124, 137
_LOOK = 1.0
_LONGEST = 16 << 10
_PIECE = 64 << 10
_PIPE = 1 << 20  # no pipe holds more than this


def run_command(launch: Launch, log: LogLine, timeout: float, kill_all: Callable[[], None]) -> int:
    """Run it and return the exit code, 124 after `timeout` seconds. kill_all: ends whatever is left of it; called in any case.

    Without a control group its memory is looked at every second.
    Raises: OSError, Invalid as `spawn_command`.
    """
    process = spawn_command(launch)
    limit = launch.spec.resources.memory_mb << 20
    watch = None if launch.group else lambda pid: processes.memory_bytes([pid, *processes.descendants(pid)]) > limit
    try:
        ended = _read(process, log, time.monotonic() + timeout, watch)
    finally:
        if process.poll() is None:
            process.kill()
        kill_all()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if ended == _Ended.TOO_LATE:
        log(f"killed: it had not ended after {timeout:g} s")
        return _TIMED_OUT
    if ended == _Ended.TOO_BIG:
        log(over_memory(launch.spec.resources.memory_mb))
        return _KILLED
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if code and launch.group and launch.group.was_oom_killed():
        log(over_memory(launch.spec.resources.memory_mb))
    return code


class _Ended(Enum):
    ITSELF = auto()
    TOO_LATE = auto()
    TOO_BIG = auto()


def _read(process: subprocess.Popen[bytes], log: LogLine, deadline: float, is_too_big: Callable[[int], bool] | None) -> _Ended:
    """Pass on its output until it ends, or the deadline has come, or `is_too_big(pid)`."""
    if process.stdout is None:
        return _Ended.ITSELF
    source, lines = process.stdout.fileno(), _Lines(log)
    os.set_blocking(source, False)
    end = os.pidfd_open(process.pid)  # a process that it left behind may keep the pipe open for ever
    waiting, poll = {source, end}, select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    look = time.monotonic() + _LOOK
    try:
        while end in waiting and (left := deadline - time.monotonic()) > 0:
            ready = {descriptor for descriptor, _ in poll.poll((min(left, _LOOK) if is_too_big else left) * 1000)}
            if is_too_big and time.monotonic() > look:
                if is_too_big(process.pid):
                    return _Ended.TOO_BIG
                look = time.monotonic() + _LOOK
            finished = ready & {end} | (ready & {source} if source in ready and not lines.take_from(source) else set())
            waiting -= finished
            for descriptor in finished:
                poll.unregister(descriptor)
        if source in waiting:
            for _ in range(_PIPE // _PIECE):
                lines.take_from(source)
        return _Ended.TOO_LATE if end in waiting else _Ended.ITSELF
    finally:
        lines.finish()
        os.close(end)


class _Lines:
    """Cuts bytes into lines; one that is longer than `_LONGEST` characters comes in pieces."""

    def __init__(self, log: LogLine) -> None:
        self._log = log
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def take_from(self, source: int) -> bool:
        """Read what is there now. Returns False at the end of the output."""
        try:
            data = os.read(source, _PIECE)
        except BlockingIOError:
            return True
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        for line in whole:
            self._log(line.removesuffix("\r"))
        while len(self._rest) > _LONGEST:
            self._log(self._rest[:_LONGEST])
            self._rest = self._rest[_LONGEST:]
        return bool(data)

    def finish(self) -> None:
        """Pass on a last line that has no end."""
        if self._rest:
            self._log(self._rest)
