"""A real Caddy and small real apps behind it.

Fixtures: `apps` (start apps, they end with the test), `caddy` (one Caddy for the session: use hosts of your own), `own_caddy`
(one for this test alone, to be killed and restarted).
"""

import http.client
import json
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess
from canonry.adapters.edge.memory import Answer
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.files import remove_tree


class App:
    """A small HTTP app on a free port.

    `/` answers its name, `/headers` the request's headers as JSON, `/slow` its name after half a second, `/events` an endless
    event stream; POST answers the number of bytes. gone: set when a reader of `/events` has left.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.gone = threading.Event()
        self.requests = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.app = self
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """`127.0.0.1:<port>`."""
        return f"127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """End it; connections are refused from now on."""
        self._stopping = True
        with suppress(OSError):  # it may have been stopped before
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection
        self._thread.join(60)
        self._server.server_close()

    def _serve(self) -> None:
        """Take connections, and sleep until there is one: of `serve_forever`, which looks up now and then, hundreds cost half a core."""
        while not self._stopping:
            self._server.handle_request()


class Apps:
    """Starts apps."""

    def __init__(self) -> None:
        self._started: list[App] = []

    def start(self, name: str) -> App:
        """Start one that answers `name`."""
        app = App(name)
        self._started.append(app)
        return app

    def stop_all(self) -> None:
        """End them all."""
        for app in self._started:
            app.stop()


@dataclass(frozen=True)
class RunningCaddy:
    """A Caddy with everything that is needed to use it."""

    home: Home
    settings: Settings
    process: CaddyProcess
    edge: CaddyEdge

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.settings.http_port

    def connect(self) -> socket.socket:
        """Open a connection to the HTTPS port."""
        return socket.create_connection(("127.0.0.1", self.settings.https_port), timeout=20)

    def ask_securely(self, host: str, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request over HTTPS, whoever made the certificate. Raises: ssl.SSLError when the handshake is refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPConnection(host)
        plain = self.connect()
        try:
            connection.sock = context.wrap_socket(plain, server_hostname=host)
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()
            plain.close()

    def ask(
        self, host: str, path: str = "/", headers: Mapping[str, str] | None = None, *, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """Send one request and return the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def send(self, request: bytes) -> bytes:
        """Send these bytes as they are and return everything that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)


def free_port() -> int:
    """Return a port that nobody listens on, on IPv4 and IPv6."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def apps() -> Iterator[Apps]:
    """Give a starter of apps."""
    started = Apps()
    yield started
    started.stop_all()


@pytest.fixture(scope="session")
def caddy() -> Iterator[RunningCaddy]:
    """Give the session's Caddy."""
    yield from running_caddy()


@pytest.fixture(scope="session")
def secure_caddy() -> Iterator[RunningCaddy]:
    """Give a Caddy for the session that serves HTTPS too, with certificates of its own authority."""
    yield from running_caddy(https_port=free_port(), tls="internal")


@pytest.fixture
def own_caddy() -> Iterator[RunningCaddy]:
    """Give a Caddy of this test's own."""
    yield from running_caddy()


def running_caddy(**settings: Any) -> Iterator[RunningCaddy]:  # noqa: ANN401 -- as Settings takes them
    """Give a Caddy with these settings."""
    root = Path(tempfile.mkdtemp(prefix="canonry edge "))
    home, chosen = Home(root / "home"), Settings(home=root / "home", http_port=free_port(), **settings)
    home.create()
    process = CaddyProcess(home, chosen)
    try:
        process.start()
        yield RunningCaddy(home, chosen, process, CaddyEdge(home, chosen))
    finally:
        process.stop(grace=0)
        remove_tree(root)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    app: App

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that leaves is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "SmallApp", ""
    wbufsize = 1 << 16  # one packet per answer; two wait for each other (Nagle)
    server: _Server

    def do_GET(self) -> None:
        app = self.server.app
        app.requests += 1
        match self.path:
            case "/headers":
                self._answer(json.dumps({name.lower(): value for name, value in self.headers.items()}))
            case "/slow":
                time.sleep(0.5)
                self._answer(app.name)
            case "/events":
                self._events()
            case "/via":
                self._answer(app.name, {"X-App": "1"})
            case _:
                self._answer(app.name)

    def do_POST(self) -> None:
        left, seen = int(self.headers["Content-Length"]), 0
        while left:
            part = self.rfile.read(min(left, 1 << 20))
            left, seen = left - len(part), seen + len(part)
        self._answer(str(seen))

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""

    def _answer(self, text: str, headers: Mapping[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "text/plain", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for number in range(1000):
                self.wfile.write(f"data: {number}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.server.app.gone.set()
