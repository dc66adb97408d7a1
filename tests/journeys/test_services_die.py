"""What Canonry stands on dies, is restarted, or the whole machine is: visitors notice as little as can be, and everything comes back."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from canonry.adapters.edge.caddy import CaddyProcess
from canonry.core.paths import Home
from canonry.core.settings import read_settings
from tests.support.api import FORM, archive, form
from tests.support.canonry import Canonry, ask, eventually, running_canonry, write_server, write_site
from tests.support.load import count_while
from tests.support.requests_in_flight import Visitor

_RUN = secrets.token_hex(3)
SHOP, SITE, ECHO, BUSY, BEGUN, RESTING = (f"{name}-{_RUN}" for name in ("shop", "site", "echo", "busy", "begun", "resting"))
_CLIENTS = 20  # of tests/support/load.py: so many requests can be under way at once

# A WebSocket that answers each message with itself: the handshake and frames of RFC 6455, as far as short messages need them.
_ECHO = """
import base64, hashlib, os, socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        headers = {}
        while (line := self.rfile.readline().strip()):
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        if "sec-websocket-key" not in headers:
            return self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\necho")
        key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                         + f"Sec-WebSocket-Accept: {accept}\\r\\n\\r\\n".encode())
        while len(head := self.rfile.read(2)) == 2 and head[0] & 15 in (1, 2):
            mask = self.rfile.read(4)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([head[0], len(text)]) + text)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    folder = tmp_path_factory.mktemp("services")
    with running_canonry(folder, CANONRY_DRAIN_SECONDS="1", CANONRY_STOP_GRACE="2") as canonry:
        canonry.must("deploy", str(write_server(folder / "app", "shop")), "--project", SHOP)
        canonry.must("deploy", str(write_site(folder / "site", "site")), "--project", SITE)
        yield canonry


@pytest.fixture
def canonry(common: Canonry) -> Canonry:
    """Give one Canonry with an app and a site, up, to each test of this file."""
    common.up()
    eventually(lambda: [common.site(SHOP).status, common.site(SITE).status], lambda found: found == [200, 200])
    return common


def deploy(canonry: Canonry, slug: str, files: dict[str, str]) -> str:
    """Upload these files and return how the deployment ended."""
    headers = {**FORM, "Authorization": f"Bearer {canonry.token()}"}
    queued = ask(canonry.port, "localhost", f"/v1/projects/{slug}/upload", method="POST", body=form(archive(files)), headers=headers)
    assert queued.status == 202, queued.text
    path = f"/v1/deployments/{json.loads(queued.text)['deployment']['id']}"
    ended = eventually(lambda: canonry.api("GET", path)["deployment"], lambda row: row["finished_at"] is not None, within=60)
    return str(ended["status"])


def processes_of(canonry: Canonry) -> list[int]:
    """Return the pids of everything that works for this Canonry: its home stands in the command line or in the environment."""
    found, home = [], os.fsencode(canonry.home)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            own = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if int(folder.name) != os.getpid() and home in own:
                found.append(int(folder.name))
    return found


def apps_of(*slugs: str) -> list[int]:
    """Return the pids of the apps of these projects."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            if any(f"CANONRY_PROJECT={slug}".encode() in environment for slug in slugs):
                found.append(int(folder.name))
    return found


def test_caddy_killed_under_load_comes_back_on_its_sockets_and_refuses_nobody(canonry: Canonry) -> None:
    def kill() -> None:
        time.sleep(0.5)
        old = canonry.kill("caddy")
        assert canonry.site(SITE, timeout=60).status == 200  # this connection was taken by the kernel while nobody was there
        assert canonry.pid("caddy") != old

    counts = count_while(kill, canonry.port, f"{SHOP}.localhost", seconds=3, rate=100, enough=100)
    assert len(counts.lost) <= _CLIENTS
    assert not any("Refused" in text or "status" in text for text in counts.lost)
    assert counts.right >= 100


def test_a_graceful_restart_of_the_edge_under_load_loses_nothing(canonry: Canonry) -> None:
    settings = read_settings(canonry.environment)
    process = CaddyProcess(Home(settings.home_path), settings)

    def restart() -> None:
        for _ in range(2):
            time.sleep(0.5)
            process.restart()

    counts = count_while(restart, canonry.port, f"{SHOP}.localhost", seconds=4, rate=100, enough=150)
    process.release()
    assert counts.lost == []
    assert counts.right >= 150
    assert canonry.pid("caddy") == process.find()
    assert canonry.api("GET", "/v1/me")["authenticated"] is True


def test_postgresql_killed_and_away_for_a_while_stops_no_app_and_a_deploy_goes_on_afterwards(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "begun before")
    (folder / "canonry.toml").write_text("[build]\nbuild = 'sleep 1.5'\n")
    canonry.must("deploy", str(folder), "--project", BEGUN, "--no-follow")
    eventually(lambda: canonry.api("GET", f"/v1/projects/{BEGUN}/deployments")["deployments"][0]["step"], lambda step: step == "build")
    version = canonry.home / "postgres" / "data" / "PG_VERSION"
    ours = version.read_text()
    with Visitor(canonry.port, f"{SHOP}.localhost") as app, Visitor(canonry.port, f"{SITE}.localhost") as site:
        version.write_text("15\n")  # Canonry would start it again at once: so it must not start yet
        try:
            canonry.kill("postgres")
            answer = ask(canonry.port, "localhost", "/v1/me", headers={"Authorization": f"Bearer {canonry.token()}"})
            error = json.loads(answer.text)
            assert (answer.status, error["error"]) == (503, "database_unavailable")
            assert error["request_id"] == answer.headers["x-request-id"]
            assert ask(canonry.port, "localhost", "/healthz").status == 200
        finally:
            version.write_text(ours)
        eventually(lambda: ask(canonry.port, "localhost", "/readyz").status, lambda status: status == 200)
        row = eventually(
            lambda: canonry.api("GET", f"/v1/projects/{BEGUN}/deployments")["deployments"][0],
            lambda row: row["finished_at"] is not None,
        )  # fmt: skip
    assert (app.wrong, site.wrong) == ([], [])
    assert (row["status"], row["error"]) == ("live", None)
    assert canonry.site(BEGUN).text.startswith("begun before")


def test_up_while_everything_runs_changes_nothing(canonry: Canonry) -> None:
    before = (canonry.status(), sorted(apps_of(SHOP)))
    with Visitor(canonry.port, f"{SHOP}.localhost") as visitor:
        canonry.up()
    assert (canonry.status(), sorted(apps_of(SHOP))) == before
    assert (visitor.wrong, set(visitor.seen)) == ([], {"shop"})


def test_without_python_apps_go_on_and_its_own_host_says_that_it_restarts(canonry: Canonry) -> None:
    with Visitor(canonry.port, f"{SHOP}.localhost") as app, Visitor(canonry.port, f"{SITE}.localhost") as site:
        canonry.kill("canonry")
        answer = eventually(lambda: ask(canonry.port, "localhost", "/v1/me"), lambda answer: answer.status == 502)
        page = ask(canonry.port, "localhost", "/", headers={"Accept": "text/html"})
        error = json.loads(answer.text)
        assert (error["error"], bool(error["request_id"]), bool(error["hint"])) == ("restarting", True, True)
        assert (page.status, page.headers["content-type"].partition(";")[0]) == (502, "text/html")
        assert "canonry up" in page.text
        before = (app.asked, site.asked)
        eventually(lambda: (app.asked - before[0], site.asked - before[1]), lambda more: min(more) > 25)
        canonry.up()
    assert (app.wrong, site.wrong) == ([], [])
    assert canonry.api("GET", "/v1/me")["authenticated"] is True


def test_a_websocket_survives_twenty_deploys_of_another_project_and_new_hosts(canonry: Canonry, tmp_path: Path) -> None:
    folder = tmp_path / "echo"
    folder.mkdir()
    (folder / "main.py").write_text(_ECHO)
    (folder / "Procfile").write_text("web: python main.py\n")
    canonry.must("deploy", str(folder), "--project", ECHO)
    canonry.api("POST", "/v1/projects", {"name": BUSY, "slug": BUSY})
    code = (write_server(tmp_path / "busy", "busy") / "main.py").read_text()
    with (
        socket.create_connection(("127.0.0.1", canonry.port)) as plain,
        connect(f"ws://{ECHO}.localhost:{canonry.port}/", sock=plain, ping_interval=None, compression=None) as talk,
    ):
        for number in range(20):
            files = (
                {"index.html": f"<p>{number}</p>"}
                if number % 5
                else {"main.py": f"{code}\n# {number}", "Procfile": "web: python main.py\n"}
            )
            assert deploy(canonry, BUSY, files) == "live"
            talk.send(f"still {number}")
            assert talk.recv(timeout=60) == f"still {number}"
        fresh = f"fresh-{secrets.token_hex(2)}"
        canonry.must("deploy", str(tmp_path / "busy"), "--project", fresh)
        assert canonry.site(fresh).text.startswith("busy")
        talk.send("after all")
        assert talk.recv(timeout=60) == "after all"


@pytest.mark.criterion("running-canonry#down-leaves-nothing")
def test_down_leaves_no_process_and_no_socket_and_up_brings_every_url_back(canonry: Canonry) -> None:
    canonry.api("POST", "/v1/projects", {"name": RESTING, "slug": RESTING})
    assert deploy(canonry, RESTING, {"index.html": "resting"}) == "live"
    canonry.api("POST", f"/v1/projects/{RESTING}/stop")
    before = canonry.site(SHOP).text
    assert canonry.command("down").returncode == 0
    assert eventually(lambda: processes_of(canonry) + apps_of(SHOP, ECHO, BUSY, BEGUN), lambda pids: not pids) == []
    run = Home(canonry.home).run
    assert [path.name for path in run.iterdir() if path.is_socket()] == []
    with pytest.raises(ConnectionRefusedError):
        canonry.site(SHOP)
    canonry.up()
    expect_everything_back(canonry, before)


def test_after_a_power_cut_up_brings_every_url_back(canonry: Canonry) -> None:
    before = canonry.site(SHOP).text
    for pid in [*processes_of(canonry), *apps_of(SHOP, ECHO, BUSY, BEGUN)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: apps_of(SHOP), lambda pids: not pids)
    with pytest.raises((OSError, http.client.HTTPException)):
        canonry.site(SHOP, timeout=1)
    canonry.up()
    expect_everything_back(canonry, before)


def expect_everything_back(canonry: Canonry, before: str) -> None:
    """Return when the app runs anew at its URL, the site is served, and what was stopped is stopped still."""
    after = eventually(lambda: canonry.site(SHOP).text, lambda text: text.startswith("shop "))
    assert after != before
    assert "site" in canonry.site(SITE).text
    eventually(lambda: canonry.site(RESTING).status, lambda status: status == 503)
    rows = eventually(
        lambda: canonry.api("GET", f"/v1/projects/{SHOP}/instances")["instances"],
        lambda rows: [row["status"] for row in rows] == ["healthy"],
    )  # fmt: skip
    assert rows[0]["restarts"] >= 1
    eventually(lambda: canonry.api("GET", f"/v1/projects/{SHOP}")["status"], lambda status: status == "running")
