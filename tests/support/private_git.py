"""Somebody else's git server: plain HTTP files (git's "dumb" protocol) behind a login."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class PrivateGit:
    """A running server. password: what it takes beside any user name. seen: the Authorization headers that came."""

    password: str
    url: str = ""
    seen: list[str] = field(default_factory=list)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, git: PrivateGit, directory: str) -> None:
        self._git = git
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Give a file to whoever knows the password."""
        header = self.headers.get("Authorization", "")
        self._git.seen.append(header)
        expected = {"Basic " + b64encode(f"{user}:{self._git.password}".encode()).decode() for user in ("x-access-token", "ada")}
        if header in expected:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@contextmanager
def private_git(repository: Path, password: str) -> Iterator[PrivateGit]:
    """Serve a bare repository; `git update-server-info` has to be run in it after each change."""
    git = PrivateGit(password)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, git=git, directory=str(repository.parent)))
    git.url = f"http://127.0.0.1:{server.server_address[1]}/{repository.name}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield git
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
