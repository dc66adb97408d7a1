"""Becomes Caddy: puts the listening sockets at descriptors 3, 4, ... and replaces itself by the given program.

Run as a program of its own (`python -I -S launch.py 7,9 -- caddy run ...`); imports nothing of ours, so it starts in milliseconds.
"""

import ctypes
import fcntl
import os
import sys

_PR_SET_PTRACER = 0x59616D61
_ANY = ctypes.c_ulong(-1)


def main() -> None:
    """Arrange the descriptors and exec."""
    given = [int(text) for text in sys.argv[1].split(",")]
    parked = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 100) for number in given]
    for number in given:
        os.close(number)
    for target, source in enumerate(parked, start=3):
        os.dup2(source, target, inheritable=True)
    # A later Canonry of the same user takes the sockets out of Caddy (pidfd_getfd). Where Yama lets only parents do that, this
    # permits it; the kernel still demands the same user, and sandboxed apps see no process but their own.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 -- an argument list


if __name__ == "__main__":
    main()
