"""Ports for instances: free ones on loopback, out of the way of what the kernel hands out itself."""

import itertools
import secrets
import socket
from collections.abc import Collection

from canonry.ports.errors import StartFailed

_RANGE = range(20_000, 30_000)  # below the usual ephemeral range (32768 and up), so that no outgoing connection takes one meanwhile


def free_port(taken: Collection[int]) -> int:
    """Return a port that nobody listens on and that is not in `taken` (instances that may not listen yet).

    A random one: a port that has just become free is not given to another app while somebody may still ask for the old one.
    Raises: StartFailed `no_free_port`.
    """
    first = secrets.randbelow(len(_RANGE))
    for port in itertools.chain(_RANGE[first:], _RANGE[:first]):
        if port not in taken and _is_free(port):
            return port
    raise StartFailed("no_free_port", f"No port from {_RANGE.start} to {_RANGE.stop - 1} is free.", hint="Stop instances you do not need.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))  # all addresses: an app may listen on any; nothing is accepted here
        except OSError:
            return False
    return True
