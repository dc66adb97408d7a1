"""The listening sockets. Canonry opens them and keeps them, so the kernel queues connections while Caddy is away."""

import contextlib
import ctypes
import errno
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from itertools import product

import psutil

from canonry.adapters.edge.caddy import unwatch
from canonry.core.errors import CanonryError, Conflict, Invalid, NeedsAction, Unavailable
from canonry.infra.subprocess import run

_BACKLOG = 4096
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_WITH_IPV6 = {"127.0.0.1": ["127.0.0.1", "::1"], "localhost": ["127.0.0.1", "::1"], "0.0.0.0": ["0.0.0.0", "::"]}  # noqa: S104 -- a table
_NO_IPV6 = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


def listening_sockets(address: str, ports: Sequence[int], held: Sequence[socket.socket] = ()) -> list[socket.socket]:
    """Return listening sockets for `address`, and for its IPv6 twin where there is one: browsers take `localhost` for either.

    Those of the first port come first.

    held: sockets that we have already; those that fit are used, the others closed.
    Raises: Conflict `port_taken`; NeedsAction `port_not_permitted`; Invalid `invalid_setting`; Unavailable `cannot_listen`.
    """
    have = {_name(item): item for item in held}
    found: list[socket.socket] = []
    addresses = _WITH_IPV6.get(address, [address])
    try:
        for port, (index, one) in product(ports, enumerate(addresses)):
            if existing := have.pop((one, port), None):
                found.append(existing)
                continue
            try:
                found.append(_listen(one, port))
            except OSError as error:
                if not (index and error.errno in _NO_IPV6):
                    raise _explained(error, one, port) from error
    except CanonryError:
        close_all(item for item in found if item not in held)
        raise
    close_all(have.values())
    return found


def count_on(sockets: Iterable[socket.socket], port: int) -> int:
    """Return how many of the sockets listen on that port."""
    return sum(_name(item)[1] == port for item in sockets)


def sockets_of(pid: int, count: int) -> list[socket.socket]:
    """Return copies of the listening sockets that the Caddy `pid` was given; none where the kernel does not let us."""
    found: list[socket.socket] = []
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            for number in range(3, 3 + count):
                copy = ctypes.CDLL(None, use_errno=True).syscall(_SYS_PIDFD_GETFD, handle, number, 0)
                if copy >= 0:
                    found.append(socket.socket(fileno=copy))
        finally:
            os.close(handle)
    return [item for item in found if item.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]


def stop_accepting(pid: int, sockets: Sequence[socket.socket]) -> bool:
    """Make that Caddy take no new connection from these sockets, which others go on sharing; return whether it worked.

    What it has taken already it serves. Asking it to stop is not enough: it would accept until it closes, and then close unread what
    it has just accepted.
    """
    inodes = [str(os.fstat(item.fileno()).st_ino) for item in sockets]
    try:
        done = run([sys.executable, "-I", "-S", str(unwatch.__file__), str(pid), *inodes], timeout=5)
    except CanonryError:
        return False
    return done.code == 0 and done.out.strip() == str(len(sockets)).encode()


def close_all(sockets: Iterable[socket.socket]) -> None:
    """Close them; copies in other processes stay open."""
    for item in sockets:
        item.close()


def _listen(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Not SO_REUSEPORT: an app runs as the same user and could then take a share of everybody's requests.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A connection is handed over with its request; silent clients wait in the kernel and cost Caddy nothing.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        made.bind((address, port))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _name(item: socket.socket) -> tuple[str, int]:
    address, port = item.getsockname()[:2]
    return address, port


def _explained(error: OSError, address: str, port: int) -> CanonryError:
    where = f"Port {port} on {address}"
    if error.errno == errno.EADDRINUSE:
        holder = _holder(port)
        by = f" by {holder}" if holder else ""
        return Conflict(
            "port_taken",
            f"{where} is taken{by}.",
            hint="Stop that, or choose another port: --http-port (CANONRY_HTTP_PORT), CANONRY_HTTPS_PORT.",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        hint = "Choose a port from 1024 on (--http-port), or let ordinary users have low ports: sysctl net.ipv4.ip_unprivileged_port_start."
        return NeedsAction("port_not_permitted", f"{where} is for root only: ports below 1024 are.", hint=hint)
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return Invalid("invalid_setting", f"{address} is not an address of this machine.", hint="Correct CANONRY_HTTP_ADDRESS.")
    return Unavailable("cannot_listen", f"{where} cannot be opened: {error.strerror}.")


def _holder(port: int) -> str:
    """Name the process that listens on `port`, where we may know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""
