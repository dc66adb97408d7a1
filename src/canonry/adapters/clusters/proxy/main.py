"""The proxy's entry point, and how it is told things: `main FOLDER CONTROL WAKE -- COMMAND...`.

FOLDER: the table. CONTROL: the unix socket; whoever connects makes us read the table, and is told what we then serve. WAKE, COMMAND: see
waking.py.
"""

import contextlib
import os
import resource
import socket
import sys

from canonry.adapters.clusters.proxy.doors import Doors
from canonry.adapters.clusters.proxy.loop import READ, Loop
from canonry.adapters.clusters.proxy.waking import Waker

_PATIENCE = 1.0  # seconds for one who asks us to take the answer


def main(arguments: list[str]) -> None:
    """Serve until we are killed."""
    folder, control, wake = arguments[:3]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop = Loop()
    doors = Doors(loop, Waker(loop, wake, arguments[4:]), folder)
    doors.look()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(control)  # noqa: PTH108 -- pathlib would cost a megabyte here
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(control)
    listener.listen(64)
    loop.watch(listener.fileno(), READ, lambda _events: _answer(listener, doors))
    loop.run()


def _answer(listener: socket.socket, doors: Doors) -> None:
    with contextlib.suppress(OSError):
        asking, _ = listener.accept()
        with asking:
            asking.settimeout(_PATIENCE)
            asking.sendall(doors.look().encode())


if __name__ == "__main__":
    main(sys.argv[1:])
