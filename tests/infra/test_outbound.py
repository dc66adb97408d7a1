"""Requests to the outside, over real sockets on this machine."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from canonry.core.errors import Invalid, Unavailable
from canonry.infra.outbound import is_public, request


class _Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"localhost:{made.server_port}"
        made.shutdown()
        thread.join()


def test_it_sends_the_body_and_brings_the_answer(server: str) -> None:
    reply = request("POST", f"http://{server}/x?y=1", body=b'{"a": 1}', allow_private=True)
    assert (reply.status, reply.json(), reply.headers["x-host"]) == (200, {"a": 1}, server)


def test_it_does_not_follow_a_redirect(server: str) -> None:
    assert request("POST", f"http://{server}/away", body=b"", allow_private=True).status == 302


def test_addresses_of_this_network_are_refused_unless_allowed(server: str) -> None:
    for url in (f"http://{server}/", "http://127.0.0.1/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest"):
        with pytest.raises(Invalid) as caught:
            request("GET", url)
        assert caught.value.code == "private_address"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "example.com", "http://", "http://user:secret@example.com/", "http://a b/", "http://x:0/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        request("GET", url)
    assert caught.value.code == "invalid_url"


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"])
def test_a_peer_that_sends_a_byte_now_and_then_is_cut_off_in_time(beginning: bytes) -> None:
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            peer.sendall(beginning)
            while not stop.wait(0.1):
                peer.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", allow_private=True, timeout=1)
        took = time.monotonic() - started
        stop.set()
        thread.join()
    assert (caught.value.code, took < 60, "within 1 s" in caught.value.message) == ("unreachable", True, True)


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable) as caught:
        request("GET", "http://127.0.0.1:1/", allow_private=True, timeout=2)
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(("address", "expected"), [
    ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("127.0.0.1", False), ("10.1.2.3", False), ("192.168.1.1", False),
    ("172.16.0.1", False), ("100.64.0.1", False), ("169.254.1.1", False), ("224.0.0.1", False), ("::1", False),
    ("fe80::1", False), ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True),
    ("64:ff9b::8.8.8.8", True), ("64:ff9b::127.0.0.1", False), ("64:ff9b::10.0.0.1", False),
    ("64:ff9b:1::8.8.8.8", False), ("::127.0.0.1", False), ("2002:7f00:1::", False), ("fec0::1", False), ("2606:4700::1111", True),
])  # fmt: skip
def test_which_addresses_are_public(address: str, expected: bool) -> None:
    assert is_public(address) is expected
