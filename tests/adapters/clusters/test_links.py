"""One proxy in this process, driven turn by turn: hostile and unlucky clients cost the others nothing."""

import contextlib
import resource
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from canonry.adapters.clusters.proxy import doors, encryption, table
from canonry.adapters.clusters.proxy.doors import Door
from canonry.adapters.clusters.proxy.loop import Loop
from canonry.adapters.clusters.proxy.waking import Waker
from tests.support.waiting import until

_HELLO = b"user\0app_1\0database\0app\0\0"
STARTUP = struct.pack("!II", len(_HELLO) + 8, 3 << 16) + _HELLO
SSL_REQUEST, GSS_REQUEST = struct.pack("!II", 8, 80_877_103), struct.pack("!II", 8, 80_877_104)
_ANSWER = b"R" + struct.pack("!II", 8, 0)


class Proxy:
    """A door with a server behind it that the test plays."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(folder / "s"))
        self.server.listen(64)
        self.server.settimeout(10)
        self.opened: list[socket.socket] = []
        self.waker = Waker(self.loop, str(folder / "nobody"), ["/bin/true"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.door = Door(self.loop, self.waker, port, table.Entry("c", table.OPEN, str(folder / "s")))
        assert not self.door.problem

    def client(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.door.port), timeout=10)
        self.opened.append(client)
        return client

    def accepted(self) -> socket.socket:
        server, _ = self.server.accept()
        self.opened.append(server)
        server.settimeout(10)
        return server

    def close(self) -> None:
        self.door.close()
        for opened in (*self.opened, self.server, self.waker._socket):
            opened.close()
        self.loop._epoll.close()

    def settle(self) -> int:
        """Turn until nothing happens; return how many events there were."""
        count = 0
        while happened := self.loop.turn(0.05):
            count += happened
            assert count < 5000, "it never comes to rest"
        return count

    def flowing(self) -> tuple[socket.socket, socket.socket]:
        """Return a client and its server, connected with each other."""
        client = self.client()
        client.sendall(STARTUP)
        self.settle()
        server = self.accepted()
        assert server.recv(1000) == STARTUP
        server.sendall(_ANSWER)
        self.settle()
        assert client.recv(100) == _ANSWER
        return client, server


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.chdir(tmp_path)
    made = Proxy(Path())
    yield made
    made.close()


def test_a_server_that_ends_before_its_client_has_read_all_keeps_nobody_busy(proxy: Proxy) -> None:
    """That a socket has ended is told for as long as it is watched: a proxy that only waits for the client would spin."""
    client, server = proxy.flowing()
    sent = 0
    server.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += server.send(bytes(1 << 20))
            proxy.settle()
    server.close()
    proxy.settle()
    assert proxy.loop.turn(0.0) == 0
    received = 0
    while received < sent:
        received += len(client.recv(1 << 20))
        proxy.loop.turn(0.0)
    proxy.settle()
    assert client.recv(1) == b""
    assert proxy.door.clients == 0


def test_a_client_that_ends_while_its_server_reads_nothing_keeps_nobody_busy(proxy: Proxy) -> None:
    client, server = proxy.flowing()
    client.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(bytes(1 << 20))
            proxy.settle()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # with a reset
    proxy.settle()
    assert proxy.loop.turn(0.0) == 0
    with contextlib.suppress(ConnectionError):
        while server.recv(1 << 20):
            proxy.loop.turn(0.0)
    proxy.settle()
    assert proxy.door.clients == 0


def test_without_descriptors_clients_wait_and_the_others_go_on(proxy: Proxy) -> None:
    client, server = proxy.flowing()
    waiting = proxy.client()
    proxy.settle()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = socket.socket()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno(), hard))
        waiting.sendall(STARTUP)
        for _ in range(5):
            proxy.loop.turn(0.02)
        server.sendall(b"still here")
        proxy.loop.turn(0.05)
        assert client.recv(100) == b"still here"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        lowest.close()
    until(lambda: proxy.loop.turn(0.02) >= 0 and proxy.door.clients == 2 and _asked(proxy.server))


def _asked(server: socket.socket) -> bool:
    server.settimeout(0)
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_flood_of_clients_is_told_so(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_MOST_CLIENTS", 2)
    kept = [proxy.client(), proxy.client()]
    proxy.settle()
    refused = proxy.client()
    proxy.settle()
    assert b"C53300\0MThis database has too many connections." in refused.recv(1000)
    assert refused.recv(1) == b""
    kept[0].close()
    proxy.settle()
    again = proxy.client()
    proxy.settle()
    assert proxy.door.clients == 2
    again.close()


def test_a_client_from_outside_that_cannot_be_served_ends_nothing(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread to be had: that client is let go, and the proxy lives."""
    proxy.door.entry = table.Entry("c", table.OPEN, "s", public=True, certificate="none", key="none")
    monkeypatch.setattr(doors, "_LOOPBACK", ())

    def refuse(*_arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = proxy.client()
    proxy.settle()
    assert client.recv(100) == b""
    assert (proxy.door.clients, len(proxy.door._outside)) == (0, 0)


@pytest.mark.parametrize("said", [b"", SSL_REQUEST[:5], GSS_REQUEST, SSL_REQUEST, SSL_REQUEST + b"\x16\x03\x01"])
def test_a_slow_client_from_outside_is_let_go_in_time(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """Whatever it says, and however slowly: the whole greeting has one limit, and nothing of it stays."""
    proxy.door.entry = table.Entry("c", table.OPEN, "s", public=True, certificate="none", key="none")
    monkeypatch.setattr(doors, "_LOOPBACK", ())
    monkeypatch.setattr(encryption, "_PATIENCE", 0.5)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda *_arguments: None)
    client = proxy.client()
    client.sendall(said)
    until(lambda: proxy.loop.turn(0.02) >= 0 and len(proxy.door._outside) == 1)
    with contextlib.suppress(OSError):
        until(lambda: _says_more(client, proxy) or not proxy.door._outside)
    until(lambda: proxy.loop.turn(0.02) >= 0 and not proxy.door._outside and not proxy.door.clients)


def _says_more(client: socket.socket, proxy: Proxy) -> bool:
    """Ask for GSS again and again, which a client may do."""
    client.sendall(GSS_REQUEST[:1])
    proxy.loop.turn(0.05)
    return False


def test_a_client_whose_request_comes_in_two_parts_is_served(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.door.entry = table.Entry("c", table.OPEN, "s", public=True, certificate="none", key="none")
    monkeypatch.setattr(doors, "_LOOPBACK", ())
    client = proxy.client()
    client.sendall(SSL_REQUEST[:3])
    proxy.loop.turn(0.2)
    client.sendall(SSL_REQUEST[3:])
    until(lambda: proxy.loop.turn(0.02) >= 0 and _told(client) == b"S")


def _told(client: socket.socket) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return client.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    return b""


def test_a_table_that_cannot_be_read_cuts_nobody_off(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "15000").write_text(table.Entry("c", table.OPEN, "s").text())
    (tmp_path / "table" / "15001").mkdir()  # cannot be read as a file
    with pytest.raises(OSError, match="directory"):
        table.read(str(tmp_path / "table"))
