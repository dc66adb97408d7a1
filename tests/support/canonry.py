"""A whole Canonry for journeys: started with its own command line in a home of its own, asked over HTTP as users do, stopped at the end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_COMMAND = [sys.executable, "-m", "canonry.cli.main"]


@dataclass(frozen=True)
class Answer:
    """What a site answered."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass
class Canonry:
    """A running Canonry. folder: everything of it; settings: CANONRY_* for its own process."""

    folder: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Its home."""
        return self.folder / "home of canonry"

    @property
    def environment(self) -> dict[str, str]:
        """What its commands are started with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CANONRY_")}
        return {
            **kept, "CANONRY_HOME": str(self.home), "CANONRY_HTTP_PORT": str(self.port), "CANONRY_CONFIG": str(self.folder / "config"),
            "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1",
            "CANONRY_RATE_LIMIT": "1000000", "CANONRY_RATE_LIMIT_ANONYMOUS": "1000000",
            "CANONRY_RATE_LIMIT_SIGN_IN": "1000000", **self.settings,
        }  # fmt: skip

    def command(self, *arguments: str, cwd: Path | None = None, stdin: str = "", timeout: float = 170) -> subprocess.CompletedProcess[str]:
        """Run `canonry ARGUMENTS` to its end."""
        return subprocess.run(
            [*_COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=cwd,
            input=stdin,
        )

    def must(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run `canonry ARGUMENTS`, which has to succeed, and return what it wrote."""
        done = self.command(*arguments, cwd=cwd)
        assert done.returncode == 0, f"canonry {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> None:
        """Start it, or start it again."""
        self.must("up", "--detach")

    def down(self) -> None:
        """Stop all of it."""
        self.command("down")

    def status(self) -> dict[str, Any]:
        """Return what `canonry status --json` says."""
        return dict(json.loads(self.command("status", "--json").stdout))

    def pid(self, name: str) -> int:
        """Return the pid of one of its processes: canonry, postgres or caddy."""
        return next(int(process["pid"]) for process in self.status()["processes"] if process["name"] == name)

    def kill(self, name: str) -> int:
        """`kill -9` one of its processes and return its pid."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def token(self) -> str:
        """Return the owner's token."""
        return str(json.loads((self.folder / "config" / "credentials.json").read_text())["token"])

    def api(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Call the API as the owner; return the parsed answer."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        answer = ask(self.port, "localhost", path, method=method, body=payload, headers=headers)
        return json.loads(answer.text) if answer.text else {}

    def site(self, slug: str, path: str = "/", **options: Any) -> Answer:  # noqa: ANN401 -- as `ask`
        """Ask a project's site."""
        return ask(self.port, f"{slug}.localhost", path, **options)

    def deploy(self, folder: Path, slug: str) -> subprocess.CompletedProcess[str]:
        """`canonry deploy FOLDER --project SLUG`."""
        return self.command("deploy", str(folder), "--project", slug)


def ask(
    port: int, host: str, path: str = "/", *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None,
    timeout: float = 20,
) -> Answer:  # fmt: skip
    """Make one request to 127.0.0.1:port with that Host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Host": f"{host}:{port}", **(headers or {})})
        response = connection.getresponse()
        return Answer(
            response.status, response.read().decode(errors="replace"), {name.lower(): value for name, value in response.getheaders()}
        )
    finally:
        connection.close()


def eventually[T](look: Callable[[], T], wanted: Callable[[T], bool], *, within: float = 60, every: float = 0.05) -> T:
    """Look again and again until it is as wanted, and return what was seen. Raises: AssertionError with the last sight."""
    deadline = time.monotonic() + within
    while True:
        try:
            seen = look()
        except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {error!r}") from error
        else:
            if wanted(seen):
                return seen
            assert time.monotonic() < deadline, f"not within {within} s; last seen: {seen!r}"
        time.sleep(every)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_canonry(folder: Path, **settings: str) -> Iterator[Canonry]:
    """Bring a Canonry up in `folder`, and take everything of it down afterwards. settings: `CANONRY_…` names and values."""
    canonry = Canonry(folder, free_port(), settings)
    try:
        canonry.up()
        yield canonry
    finally:
        canonry.down()


def write_site(folder: Path, text: str) -> Path:
    """Write a static site whose front page says `text`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(f"<!doctype html><title>site</title><p>{text}</p>")
    return folder


_SERVER = """
import http.server, os, signal, sys, time
TEXT = {text!r}
BORN = time.time_ns()  # in its own pid namespace every instance has the same pid
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(float(self.path.partition("=")[2] or 5))
        body = (TEXT + f" born={{BORN}}").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def write_server(folder: Path, text: str, *, code: str = "") -> Path:
    """Write a Python app without dependencies that answers `text` and when it was started; `code` is run before it serves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(code + _SERVER.format(text=text))
    (folder / "Procfile").write_text("web: python main.py\n")
    return folder
