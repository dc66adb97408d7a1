"""Listening sockets: for each port of the table one or two, which are there whether the database runs or not."""

import contextlib
import errno
import functools
import socket
import time

from canonry.adapters.clusters.proxy import messages, table
from canonry.adapters.clusters.proxy.links import Link
from canonry.adapters.clusters.proxy.loop import READ, Loop
from canonry.adapters.clusters.proxy.waking import Waker

_BACKLOG = 512
_MOST_CLIENTS, _MOST_FROM_OUTSIDE = 1000, 400  # of one port: whoever floods it neither exhausts us nor keeps the app on this machine out
_PAUSE = 0.2  # seconds without accepting when we have no more descriptors
_LOOPBACK = ("127.", "::1", "::ffff:127.")


class Door:
    """One port. entry: what is behind it. last_used: unix time of the last client's end, 0 before."""

    def __init__(self, loop: Loop, waker: Waker, port: int, entry: table.Entry) -> None:
        self.entry, self.port, self.last_used = entry, port, 0.0
        self._loop, self._waker = loop, waker
        self._links: set[Link] = set()
        self._outside: set[object] = set()  # what carries the clients from outside, from their first byte to their last
        self._listeners: list[socket.socket] = []
        self.problem = ""
        self._open()

    @property
    def clients(self) -> int:
        """How many are connected, those that wait included."""
        return len(self._links)

    def becomes(self, entry: table.Entry) -> None:
        """Take a new entry; clients that wait are looked at again."""
        was_public, was_state, self.entry = self.entry.public, self.entry.state, entry
        if was_public != entry.public or self.problem:
            self._shut()
            self._open()
        if entry.state == table.OPEN and was_state != table.OPEN:
            self._waker.answered(entry.cluster)
        for link in list(self._links):
            link.try_server()

    def close(self) -> None:
        """Listen no more and end every client."""
        self._shut()
        for link in list(self._links):
            link.close()

    def wake(self) -> None:
        """Have the database started."""
        self._waker.wake(self.entry.cluster)

    def left(self, link: Link) -> None:
        """Hear that a link is over."""
        self._links.discard(link)
        self.last_used = time.time()

    def _open(self) -> None:
        self.problem = ""
        for address in ("0.0.0.0", "::") if self.entry.public else ("127.0.0.1", "::1"):  # noqa: S104 -- asked for
            try:
                listener = _listener(address, self.port)
            except OSError as error:
                if ":" in address and error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    continue  # a machine without IPv6
                self.problem = f"{address}:{self.port}: {error.strerror}"
                self._shut()  # half of our clients would come to somebody else
                return
            self._listeners.append(listener)
            self._loop.watch(listener.fileno(), READ, functools.partial(self._accept, listener))

    def _shut(self) -> None:
        for listener in self._listeners:
            self._loop.forget(listener.fileno())
            listener.close()
        self._listeners.clear()

    def _accept(self, listener: socket.socket, _events: int) -> None:
        try:
            client, peer = listener.accept()
        except OSError as error:
            if error.errno in table.NO_ROOM:
                self._pause(listener)
            return
        with contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            self._admit(client, outside=self.entry.public and not peer[0].startswith(_LOOPBACK))
        except (OSError, RuntimeError):  # no descriptor or no thread for it: that passes, and the others go on
            client.close()
            self._pause(listener)

    def _admit(self, client: socket.socket, *, outside: bool) -> None:
        """Begin with a client, unless there are too many already. Raises: OSError, RuntimeError when the system has no room."""
        if len(self._links) >= _MOST_CLIENTS or (outside and len(self._outside) >= _MOST_FROM_OUTSIDE):
            with client, contextlib.suppress(OSError):
                client.settimeout(0)
                client.send(messages.failure("53300", "This database has too many connections.", "Close some, or share them (a pool)."))
            return
        if outside:
            from canonry.adapters.clusters.proxy import encryption  # noqa: PLC0415 -- costs memory, and is seldom needed

            client = encryption.plain_end(client, self.entry, self._outside)
        self._links.add(Link(self._loop, self, client))

    def _pause(self, listener: socket.socket) -> None:
        self._loop.change(listener.fileno(), 0)
        self._loop.after(_PAUSE, lambda: self._accept_again(listener))

    def _accept_again(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.change(listener.fileno(), READ)


class Doors:
    """All ports of the table in `folder`."""

    def __init__(self, loop: Loop, waker: Waker, folder: str) -> None:
        self._loop, self._waker, self._folder = loop, waker, folder
        self._doors: dict[int, Door] = {}

    def look(self) -> str:
        """Do what the table says now. Returns a line for each port: port, clients, when the last one left, what is wrong with it."""
        entries = table.read(self._folder)
        for port in self._doors.keys() - entries.keys():
            self._doors.pop(port).close()
        for port, entry in entries.items():
            if port in self._doors:
                self._doors[port].becomes(entry)
            else:
                self._doors[port] = Door(self._loop, self._waker, port, entry)
        return "".join(f"{door.port} {door.clients} {door.last_used:.3f} {door.problem}\n" for door in self._doors.values())


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        listener.settimeout(0)
    except BaseException:
        listener.close()
        raise
    return listener
