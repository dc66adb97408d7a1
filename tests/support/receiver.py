"""A receiver of webhooks on loopback: it keeps what came, and answers as it is told."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request. headers: names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        """The parsed body."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Say whether the signature is right, as docs/guides/webhooks.md tells receivers to find out."""
        parts = dict(part.split("=", 1) for part in self.headers["x-canonry-signature"].split(","))
        wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300


@dataclass
class Receiver:
    """statuses: what the next requests are answered with, then `status`. delay: seconds before each answer, which waits for `gate`."""

    url: str = ""
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0
    answer: bytes = b"thanks"
    location: str = ""
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Begin open."""
        self.gate.set()

    def names(self) -> list[str]:
        """Return the names of the events that came, oldest first."""
        return [str(item.json["name"]) for item in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a receiver that listens."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with state.lock:
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
                status = state.statuses.pop(0) if state.statuses else state.status
            time.sleep(state.delay)
            state.gate.wait(300)
            with state.lock:
                state.at_once -= 1
                headers = {name.lower(): value for name, value in self.headers.items()}
                state.received.append(Received(self.path, headers, body, time.time()))
            self.send_response(status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.url = f"http://127.0.0.1:{server.server_port}/hook?key=sesame"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.gate.set()
        server.shutdown()
        thread.join()
