"""One client and the server behind its port.

A link is `greeting` until the client's first message is there, `held` while the server cannot be reached (the client only notices that
it takes a moment), `asking` until the server has answered, `flowing` until one side ends, then `over`.
"""

import contextlib
import socket
from typing import Protocol

from canonry.adapters.clusters.proxy import messages, table
from canonry.adapters.clusters.proxy.loop import ENDED, READ, WRITE, Loop

GREETING, HELD, ASKING, FLOWING, OVER = range(5)

_GREETING_SECONDS, _HOLD_SECONDS = 20.0, 60.0
_AGAIN = 0.02  # seconds between attempts to reach a server that should answer
_SUPERUSER = b"canonry"
_PIECE = 128 << 10
_LONGEST_FIRST = 64 << 10  # bytes a client may have said before the server has answered
_buffer = memoryview(bytearray(_PIECE))


class Door(Protocol):
    """Where a link came in. entry: what is behind the port now."""

    entry: table.Entry

    def wake(self) -> None:
        """Have the database started."""
        ...

    def left(self, link: "Link") -> None:
        """Hear that a link is over."""
        ...


class Side:
    """One end of a link. waiting: bytes that its socket has not taken yet."""

    __slots__ = ("other", "socket", "waiting")

    def __init__(self, sock: socket.socket) -> None:
        self.socket, self.waiting = sock, b""
        self.other: Side = self


class Link:
    """A client's connection. It ends by itself, and `door` hears of it."""

    __slots__ = ("_cancels", "_client", "_door", "_first", "_loop", "_server", "_tries", "state")

    def __init__(self, loop: Loop, door: Door, client: socket.socket) -> None:
        self._loop, self._door = loop, door
        self._client = Side(client)
        self._server: Side | None = None
        self._first = b""  # what the client has said before the server has answered
        self._cancels = False
        self._tries = False  # a time is set for the next attempt to reach the server
        self.state = GREETING
        client.settimeout(0)
        loop.watch(client.fileno(), READ, self._on_client)
        loop.after(_GREETING_SECONDS, self._greeting_is_over)

    def try_server(self) -> None:
        """Connect a held client when the table lets us; called whenever the table has changed."""
        if self.state != HELD or self._door.entry.state == table.HELD:
            return
        if self._door.entry.state == table.ASLEEP:
            self._door.wake()
            return
        try:
            server = _reached(self._door.entry.socket, self._first)
        except BlockingIOError:  # it is alive, and its queue full
            self._try_later()
            return
        except OSError as error:
            if error.errno not in table.NO_ROOM:
                self._door.wake()
            self._try_later()
            return
        self._server = Side(server)
        self._server.other, self._client.other = self._client, self._server
        self.state = ASKING
        self._loop.change(self._client.socket.fileno(), 0)
        self._loop.watch(server.fileno(), READ, self._on_server)

    def close(self) -> None:
        """End both sides."""
        if self.state == OVER:
            return
        self.state = OVER
        for side in (self._client, self._server):
            if side is not None:
                self._loop.forget(side.socket.fileno())
                side.socket.close()
        self._door.left(self)

    def _on_client(self, events: int) -> None:
        if self.state == FLOWING:
            self._flow(self._client, events)
            return
        data = _received(self._client.socket)
        if data is None:
            return
        self._first += data
        if not data or len(self._first) > _LONGEST_FIRST:
            self.close()
        elif self.state == GREETING:
            self._greet()

    def _greet(self) -> None:
        """Answer what comes before the first real message, then hold the client until the server is asked."""
        try:
            found = messages.split_first(self._first)
            while found and found.kind in {messages.SSL, messages.GSS}:
                self._client.socket.send(b"N")  # those from outside have their TLS before they come here
                self._first = found.rest
                found = messages.split_first(self._first)
            if found is None:
                return
            self._cancels = found.kind == messages.CANCEL
            wanted = {} if self._cancels else messages.parameters(found.message)
        except (messages.Malformed, OSError):
            self.close()
            return
        if wanted.get(b"user") == _SUPERUSER or b"replication" in wanted:
            self._refuse("28000", "The superuser, and replication, come through the server's own socket only.")
            return
        self.state = HELD
        self._loop.after(_HOLD_SECONDS, self._hold_is_over)
        self.try_server()

    def _on_server(self, events: int) -> None:
        server = self._server
        if server is None:
            return
        if self.state == FLOWING:
            self._flow(server, events)
            return
        answer = _received(server.socket)
        if answer is None:
            return
        if (answer or self._cancels) and not messages.is_not_yet(answer):
            self.state, self._first = FLOWING, b""
            self._loop.change(self._client.socket.fileno(), READ)
            self._give(self._client, answer)
            if not answer:
                self.close()
            return
        self._loop.forget(server.socket.fileno())
        server.socket.close()
        self._server, self.state = None, HELD
        self._loop.change(self._client.socket.fileno(), READ)
        self._try_later()

    def _try_later(self) -> None:
        if not self._tries:
            self._tries = True
            self._loop.after(_AGAIN, self._try_again)

    def _try_again(self) -> None:
        self._tries = False
        self.try_server()

    def _flow(self, source: Side, events: int) -> None:
        """Pass bytes on. This runs for every message of every database: no detours."""
        sink = source.other
        if events & WRITE:
            self._give(source, b"")
        if self.state == OVER:
            return
        if sink.waiting:
            if events & ENDED:  # what it has sent before is read when the other side has taken what waits
                self._loop.rest(source.socket.fileno())
            return
        if events == WRITE:
            return
        try:
            count = source.socket.recv_into(_buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self.close()
            return
        try:
            sent = sink.socket.send(_buffer[:count])
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < count:
            self._give(sink, bytes(_buffer[sent:count]))

    def _give(self, sink: Side, data: bytes) -> None:
        """Send `data` after what waits already; while something waits, nothing more is read for this side."""
        sink.waiting += data
        try:
            sink.waiting = sink.waiting[sink.socket.send(sink.waiting) :] if sink.waiting else b""
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        for side in (sink, sink.other):
            self._loop.change(side.socket.fileno(), (0 if side.other.waiting else READ) | (WRITE if side.waiting else 0))

    def _greeting_is_over(self) -> None:
        if self.state == GREETING:
            self.close()

    def _hold_is_over(self) -> None:
        if self.state in {HELD, ASKING}:
            self._refuse("57P03", f"The database {self._door.entry.cluster} does not answer.", "canonry db info says why.")

    def _refuse(self, code: str, message: str, hint: str = "") -> None:
        with contextlib.suppress(OSError):
            self._client.socket.send(messages.failure(code, message, hint))
        self.close()


def _reached(address: str, first: bytes) -> socket.socket:
    """Return a connection to a server that has been told the client's first message. Raises: OSError."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.settimeout(0)
        server.connect(address)
        server.send(first)
    except BaseException:
        server.close()
        raise
    return server


def _received(sock: socket.socket) -> bytes | None:
    """Return what has come, nothing at the end, None when nothing is there yet."""
    try:
        return sock.recv(_PIECE)
    except BlockingIOError:
        return None
    except OSError:
        return b""
