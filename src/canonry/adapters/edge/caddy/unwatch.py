"""Makes a Caddy that leaves stop taking new connections: takes its listening sockets out of its epoll set, from outside.

Run as a program of its own (`python -I -S unwatch.py <pid> <inode of a socket> ...`): the kernel finds an entry of an epoll set by the file
and its number in Caddy, so the file must be opened here under that same number, which a running Python may not have free.
Prints how many it took out. Needs no privilege but that of the same user (pidfd_getfd, as for sockets.sockets_of).
"""

import ctypes
import fcntl
import os
import select
import sys
from pathlib import Path

_SYS_PIDFD_GETFD = 438


def main() -> None:
    """Find the epoll sets and what they watch, take out our sockets."""
    pid, inodes = int(sys.argv[1]), {f"socket:[{inode}]" for inode in sys.argv[2:]}
    links = {int(path.name): _link(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    handle = fcntl.fcntl(os.pidfd_open(pid), fcntl.F_DUPFD_CLOEXEC, 1000)
    taken = 0
    for number in [number for number, link in links.items() if link == "anon_inode:[eventpoll]"]:
        watching = select.epoll.fromfd(_copy(handle, number))
        for watched in _watched(pid, number):
            if links.get(watched) in inodes:
                os.dup2(_copy(handle, watched), watched)
                watching.unregister(watched)
                taken += 1
    sys.stdout.write(f"{taken}\n")


def _watched(pid: int, epoll: int) -> list[int]:
    lines = Path(f"/proc/{pid}/fdinfo/{epoll}").read_text(encoding="ascii").splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("tfd:")]


def _copy(handle: int, number: int) -> int:
    copy = ctypes.CDLL(None, use_errno=True).syscall(_SYS_PIDFD_GETFD, handle, number, 0)
    if copy < 0:
        raise OSError(ctypes.get_errno(), "the kernel does not hand over the descriptor")
    return fcntl.fcntl(copy, fcntl.F_DUPFD_CLOEXEC, 1000)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


if __name__ == "__main__":
    main()
