"""Runs one command of an app to its end (release commands), line by line."""

import codecs
import os
import select
import subprocess
import time
from collections.abc import Callable

from canonry.adapters.runtime.process.endings import over_memory
from canonry.adapters.runtime.process.launch import Launch, spawn_command
from canonry.ports.builder import LogLine

_TIMED_OUT = 124
_LONGEST = 16 << 10
_PIECE = 64 << 10
_PIPE = 1 << 20  # no pipe holds more than this


def run_command(launch: Launch, log: LogLine, timeout: float, kill_all: Callable[[], None]) -> int:
    """Run it and return the exit code, 124 after `timeout` seconds. kill_all: ends whatever is left of it; called in any case.

    Raises: OSError, Invalid as `spawn_command`.
    """
    process = spawn_command(launch)
    try:
        in_time = _read(process, log, time.monotonic() + timeout)
    finally:
        if process.poll() is None:
            process.kill()
        kill_all()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if not in_time:
        log(f"killed: it had not ended after {timeout:g} s")
        return _TIMED_OUT
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if code and launch.group and launch.group.was_oom_killed():
        log(over_memory(launch.spec.resources.memory_mb))
    return code


def _read(process: subprocess.Popen[bytes], log: LogLine, deadline: float) -> bool:
    """Pass on its output until it ends. Returns False when it has not ended by the deadline."""
    if process.stdout is None:
        return True
    source, lines = process.stdout.fileno(), _Lines(log)
    os.set_blocking(source, False)
    end = os.pidfd_open(process.pid)  # a process that it left behind may keep the pipe open for ever
    waiting = [source, end]
    try:
        while end in waiting and (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select(waiting, (), (), left)
            if source in ready and not lines.take_from(source):
                waiting.remove(source)
            if end in ready:
                waiting.remove(end)
        if source in waiting:
            for _ in range(_PIPE // _PIECE):
                lines.take_from(source)
        return end not in waiting
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
