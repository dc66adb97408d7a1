"""A broken new version leaves the old one serving: nobody who visits notices anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, eventually, running_canonry, write_server
from tests.support.requests_in_flight import Visitor


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give one Canonry to all tests of this file; it gives up on an unhealthy version after three seconds."""
    settings = {"CANONRY_HEALTH_TIMEOUT": "3", "CANONRY_DRAIN_SECONDS": "1", "CANONRY_STOP_GRACE": "2"}
    with running_canonry(tmp_path_factory.mktemp("broken"), **settings) as canonry:
        yield canonry


def answering(status: int) -> str:
    return f"""
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status}); self.send_header("Content-Length", "0"); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


_ELSEWHERE = """
import http.server
http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler).serve_forever()
"""
_HANGING = """
import os, socket, time
listening = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
time.sleep(600)
"""
_HUNGRY = """
hoard = []
while True:
    hoard.append(b"x" * (8 << 20))
"""

# kind → (the app, its build command, what the reason names)
BROKEN = {
    "does-not-build": ("", "echo the build breaks; exit 7", "the build breaks"),
    "crashes-at-start": ("raise SystemExit('the app gives up at once')\n", None, "the app gives up at once"),
    "listens-elsewhere": (_ELSEWHERE, None, "must listen on $PORT"),
    "hangs": (_HANGING, None, "no answer within"),
    "answers-500": (answering(500), None, "answered 500"),
    "eats-memory": (_HUNGRY, None, "canonry scale --memory"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.criterion("deploys#old-serves", "deploys#bad-version-harmless")
def test_the_old_release_goes_on_serving(canonry: Canonry, tmp_path: Path, kind: str) -> None:
    code, build, reason = BROKEN[kind]
    folder = write_server(tmp_path / "app", "good")
    assert canonry.deploy(folder, kind).returncode == 0
    (folder / "main.py").write_text(code or (folder / "main.py").read_text())
    if build is not None:
        (folder / "canonry.toml").write_text(f"[build]\nbuild = {build!r}\n")
    with Visitor(canonry.port, f"{kind}.localhost") as visitor:
        done = canonry.deploy(folder, kind)
    assert done.returncode == 1
    assert reason in done.stdout + done.stderr
    assert (visitor.wrong, set(visitor.seen)) == ([], {"good"})
    assert visitor.asked >= 5
    eventually(lambda: canonry.api("GET", f"/v1/projects/{kind}/instances")["instances"], lambda rows: len(rows) == 1)


def test_an_app_that_answers_404_at_its_root_is_healthy(canonry: Canonry, tmp_path: Path) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "main.py").write_text(answering(404))
    assert canonry.deploy(folder, "only-an-api").returncode == 0


def test_a_configured_health_path_has_to_answer_2xx(canonry: Canonry, tmp_path: Path) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "main.py").write_text(answering(404))
    (folder / "canonry.toml").write_text('[run]\nhealth_path = "/health"\n')
    done = canonry.deploy(folder, "health-path")
    assert (done.returncode, "/health answered 404" in done.stdout + done.stderr) == (1, True)
