"""Asks for a database to be started: Canonry, when it runs, else a program of its own that does nothing but that."""

import os
import socket
import time
from collections.abc import Sequence

from canonry.adapters.clusters.proxy.loop import Loop

_ASK_AGAIN = 2.0  # seconds after which Canonry is asked once more
_START_AGAIN = 10.0  # seconds after which the program is started once more


class Waker:
    """address: the datagram socket on which Canonry listens. command: starts a database; gets its id as the last argument."""

    def __init__(self, loop: Loop, address: str, command: Sequence[str]) -> None:
        self._loop, self._address, self._command = loop, address, list(command)
        self._next: dict[str, float] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)

    def wake(self, cluster: str) -> None:
        """Ask for it, unless that has just been done. Called for each client that waits, so often."""
        now = time.monotonic()
        if now < self._next.get(cluster, 0.0):
            return
        try:
            self._socket.sendto(f"{cluster}\n".encode(), self._address)
            self._next[cluster] = now + _ASK_AGAIN
        except OSError:  # Canonry does not run, or has more to do than it can remember
            self._next[cluster] = now + _START_AGAIN
            self._start(cluster)

    def answered(self, cluster: str) -> None:
        """Hear that the database is reachable again: the next time it is asked for at once."""
        self._next.pop(cluster, None)

    def _start(self, cluster: str) -> None:
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        try:
            os.posix_spawn(self._command[0], [*self._command, cluster], os.environ, setsid=True)  # noqa: TID251 -- it is Canonry's own
        except OSError as error:
            print(f"{cluster} could not be started: {error}", flush=True)  # noqa: T201 -- this process's log
