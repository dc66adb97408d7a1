"""TLS for clients from outside: a thread for each translates between its socket and a plain one that the rest works with."""

import contextlib
import select
import socket
import ssl
import threading
import time

from canonry.adapters.clusters.proxy import messages, table

_PATIENCE = 20.0  # seconds for what comes before the first real message
_PAUSE = 0.05
_PIECE = 64 << 10


def plain_end(client: socket.socket, entry: table.Entry, busy: set[object]) -> socket.socket:
    """Return a socket that carries what the client says inside TLS. A client that does not want TLS is refused.

    busy: holds a thread for each client, as long as it goes on. Raises: OSError, RuntimeError when there is no room for another one.
    """
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=_translate, args=(client, ours, entry, busy), daemon=True)
    busy.add(thread)
    try:
        thread.start()
    except BaseException:
        busy.discard(thread)
        ours.close()
        theirs.close()
        raise
    return theirs


def _translate(client: socket.socket, plain: socket.socket, entry: table.Entry, busy: set[object]) -> None:
    try:
        _serve(client, plain, entry)
    finally:
        busy.discard(threading.current_thread())


def _serve(client: socket.socket, plain: socket.socket, entry: table.Entry) -> None:
    deadline = time.monotonic() + _PATIENCE
    with contextlib.suppress(OSError, ValueError), client, plain:
        if not _wants_tls(client, deadline):
            client.settimeout(_PATIENCE)
            client.sendall(
                messages.failure("28000", "From outside this database takes encrypted connections only.", "Use sslmode=require.")
            )
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["postgresql"])
        context.load_cert_chain(entry.certificate, entry.key)
        client.settimeout(_left(deadline))
        with context.wrap_socket(client, server_side=True) as encrypted:
            encrypted.settimeout(None)
            _pump(encrypted, plain)


def _wants_tls(client: socket.socket, deadline: float) -> bool:
    """Say whether it goes on with TLS: it asks first, or begins with it. Raises: OSError, ValueError, TimeoutError at the deadline."""
    while True:
        begin = _begin(client, deadline)
        if begin.startswith(messages.TLS_RECORD):
            return True
        found = messages.split_first(begin) if len(begin) == 8 else None
        if found is None or found.kind not in {messages.SSL, messages.GSS}:
            return False
        client.recv(8)
        client.sendall(b"S" if found.kind == messages.SSL else b"N")
        if found.kind == messages.SSL:
            return True


def _begin(client: socket.socket, deadline: float) -> bytes:
    """Return the next eight bytes, which stay where they are; fewer when it ends or begins with TLS."""
    while True:
        client.settimeout(_left(deadline))
        begin = client.recv(8, socket.MSG_PEEK)
        if len(begin) in {0, 8} or begin.startswith(messages.TLS_RECORD):
            return begin
        time.sleep(_PAUSE)  # what has come is there already, so nothing tells us of the rest


def _left(deadline: float) -> float:
    """Return how many seconds are left. Raises: TimeoutError when none is."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _pump(encrypted: ssl.SSLSocket, plain: socket.socket) -> None:
    poll = select.poll()
    ends: dict[int, socket.socket] = {encrypted.fileno(): encrypted, plain.fileno(): plain}
    for descriptor in ends:
        poll.register(descriptor, select.POLLIN)
    while True:
        for source in [encrypted] if encrypted.pending() else [ends[descriptor] for descriptor, _ in poll.poll()]:
            data = source.recv(_PIECE)
            if not data:
                return
            (plain if source is encrypted else encrypted).sendall(data)
