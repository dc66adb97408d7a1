"""TLS for clients from outside: a thread for each translates between its socket and a plain one that the rest works with."""

import contextlib
import select
import socket
import ssl
import threading

from canonry.adapters.clusters.proxy import messages, table

_PATIENCE = 20.0  # seconds for what comes before the first real message
_PIECE = 64 << 10


def plain_end(client: socket.socket, entry: table.Entry) -> socket.socket:
    """Return a socket that carries what the client says inside TLS. A client that does not want TLS is refused."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_translate, args=(client, ours, entry), daemon=True).start()
    return theirs


def _translate(client: socket.socket, plain: socket.socket, entry: table.Entry) -> None:
    with contextlib.suppress(OSError, ValueError), client, plain:
        client.settimeout(_PATIENCE)
        if not _wants_tls(client):
            client.sendall(
                messages.failure("28000", "From outside this database takes encrypted connections only.", "Use sslmode=require.")
            )
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["postgresql"])
        context.load_cert_chain(entry.certificate, entry.key)
        with context.wrap_socket(client, server_side=True) as encrypted:
            encrypted.settimeout(None)
            _pump(encrypted, plain)


def _wants_tls(client: socket.socket) -> bool:
    """Say whether it goes on with TLS: it asks first, or begins with it."""
    while True:
        begin = client.recv(8, socket.MSG_PEEK | socket.MSG_WAITALL)
        if begin.startswith(b"\x16"):
            return True
        found = messages.split_first(begin) if len(begin) == 8 else None
        if found is None or found.kind not in {messages.SSL, messages.GSS}:
            return False
        client.recv(8, socket.MSG_WAITALL)
        client.sendall(b"S" if found.kind == messages.SSL else b"N")
        if found.kind == messages.SSL:
            return True


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
