"""What passes through Caddy: switches under load, WebSockets, streams, uploads, HTTP/2, headers, hostile requests."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from canonry.core.errors import Invalid
from canonry.ports.edge import Page
from tests.support.edge import Apps, RunningCaddy
from tests.support.load import count_while


@pytest.fixture
def host() -> str:
    return f"t{secrets.token_hex(6)}.example.test"


@pytest.fixture
def echo() -> Iterator[str]:
    def answer(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join(60)


def test_twenty_switches_under_load_lose_no_request(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    old, new = apps.start("old"), apps.start("new")
    caddy.edge.point(host, [old.address])

    def switch() -> None:
        for number in range(20):
            time.sleep(0.25)
            caddy.edge.point(host, [old.address if number % 2 else new.address])

    counts = count_while(switch, caddy.port, host, seconds=5.5, rate=300, enough=1000)
    assert counts.lost == []
    assert counts.retried == 0
    assert counts.right >= 1000
    assert min(counts.texts["old"], counts.texts["new"]) > counts.right / 10


def test_a_switch_is_in_force_for_the_very_next_request(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    both = [apps.start("a"), apps.start("b")]
    for number in range(100):
        caddy.edge.point(host, [both[number % 2].address])
        assert caddy.ask(host).body == b"ab"[number % 2 : number % 2 + 1]


def test_a_websocket_survives_switches_and_new_hosts(caddy: RunningCaddy, apps: Apps, host: str, echo: str) -> None:
    app = apps.start("other")
    caddy.edge.point(host, [echo])
    raw = socket.create_connection(("127.0.0.1", caddy.port), timeout=10)
    with connect(f"ws://{host}/chat", sock=raw) as websocket:
        for number in range(20):
            caddy.edge.point(f"other-{host}", [app.address])
            caddy.edge.point(f"new-{number}-{host}", [app.address])
            assert caddy.ask(f"new-{number}-{host}").body == b"other"
            websocket.send(str(number))
            assert websocket.recv(timeout=60) == str(number)
        caddy.edge.point(host, [app.address])
        websocket.send("still here")
        assert websocket.recv(timeout=60) == "still here"


def test_an_event_stream_arrives_at_once_and_the_app_learns_that_its_reader_left(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    app = apps.start("events")
    caddy.edge.point(host, [app.address])
    with socket.create_connection(("127.0.0.1", caddy.port), timeout=5) as reader:
        reader.sendall(f"GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        seen = b""
        while b"data: 2\n" not in seen:
            seen += reader.recv(4096)
        assert b"data: 40" not in seen
        assert not app.gone.is_set()
    assert app.gone.wait(60)


def test_a_large_upload_streams_through(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    caddy.edge.point(host, [apps.start("upload").address])
    size = 64 << 20
    assert caddy.ask(host, method="POST", body=bytes(size)).body == str(size).encode()


def test_http2_passes(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    caddy.edge.point(host, [apps.start("app").address])
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        answers = [client.get(f"http://127.0.0.1:{caddy.port}/", headers={"Host": host}) for _ in range(5)]
    assert {(answer.http_version, answer.status_code, answer.text) for answer in answers} == {("HTTP/2", 200, "app")}


def test_the_app_sees_the_client_and_not_what_the_client_says_of_itself(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    caddy.edge.point(host, [apps.start("app").address])
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"}
    answer = caddy.ask(f"{host}:8080", "/headers", lies)
    seen = json.loads(answer.body)
    assert seen["host"] == f"{host}:8080"
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"]) == ("127.0.0.1", "http", f"{host}:8080")
    assert "via" not in seen


def test_answers_name_the_app_and_not_caddy(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    caddy.edge.point(host, [apps.start("app").address])
    headers = caddy.ask(host).headers
    assert headers["server"].strip() == "SmallApp"
    assert "via" not in headers
    assert "server" not in caddy.ask("nobody.example.test").headers


@pytest.mark.parametrize("spelling", ["{}", "{}:8080", "{}.", "{}.:80"])
def test_a_host_is_found_in_any_spelling(caddy: RunningCaddy, host: str, spelling: str) -> None:
    caddy.edge.show_page(host, Page.STOPPED)
    assert caddy.ask(spelling.format(host)).status == 503
    assert caddy.ask(spelling.format(host.upper())).status == 503


@pytest.mark.parametrize("name", [
    "..", "../evil", "x/../../evil", "..%2fevil", "%2e%2e%2fevil", ".evil", "a..b", "-evil", "evil-", "{env.HOME}", "a}{file.evil",
    "\\evil", "a b", "a\tb", "x" * 300, ".".join(["x" * 60] * 5), "", "[::2]", "[::2", "../routes/.evil", "./evil", "evil/", "//evil",
    "a\x00b",
    'x") || true || ("', "évil", "$(id)",
])  # fmt: skip
def test_a_hostile_host_header_reaches_no_file(caddy: RunningCaddy, name: str) -> None:
    for trap in (caddy.home.edge / "evil", caddy.home.routes / ".evil"):
        trap.write_text("page stopped")
    assert _status(caddy, name.encode()) in {400, 404, 431}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.binary(min_size=1, max_size=60).filter(lambda name: not set(name) & set(b"\r\n")))
def test_no_host_header_confuses_the_edge(caddy: RunningCaddy, name: bytes) -> None:
    own = name.strip().lower().rpartition(b":")[0] or name.strip().lower()
    assert _status(caddy, name) in ({502} if own.rstrip(b".") in {b"localhost", b"127.0.0.1", b"[::1]", b"::1"} else {400, 404})


def test_canonrys_own_hosts_answer_that_it_restarts_while_its_web_process_is_away(caddy: RunningCaddy, apps: Apps, host: str) -> None:
    caddy.edge.point(host, [apps.start("app").address])
    for own in ("localhost", "127.0.0.1", "[::1]", f"localhost:{caddy.port}", "LOCALHOST"):
        answer = caddy.ask(own, "/v1/me")
        assert (answer.status, answer.headers["retry-after"], json.loads(answer.body)["error"]) == (502, "2", "restarting")
    assert caddy.ask("localhost", "/", {"Accept": "text/html"}).headers["content-type"].startswith("text/html")
    assert caddy.ask(host).body == b"app"


def test_canonrys_own_host_cannot_be_routed_elsewhere(caddy: RunningCaddy) -> None:
    for own in ("localhost", "127.0.0.1"):
        with pytest.raises(Invalid) as caught:
            caddy.edge.point(own, ["127.0.0.1:1"])
        assert caught.value.code == "reserved_host"


def test_canonrys_own_host_reaches_its_web_socket(caddy: RunningCaddy) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(caddy.home.web_socket))
        server.listen()
        server.settimeout(5)
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(caddy.ask("localhost", "/healthz").body))
        asking.start()
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            asking.join(60)
    caddy.home.web_socket.unlink()
    assert answers == [b"ok"]


@pytest.mark.parametrize(("accept", "kind"), [
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"), ("application/json", "application/json"),
    ("text/plain", "text/plain"), ("*/*", "text/html"),
])  # fmt: skip
def test_a_plain_page_speaks_the_clients_language(caddy: RunningCaddy, accept: str, kind: str) -> None:
    answer = caddy.ask("nobody.example.test", "/", {"Accept": accept})
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (404, kind)
    if kind == "application/json":
        assert json.loads(answer.body).keys() == {"error", "message", "hint", "request_id"}
        assert len(json.loads(answer.body)["request_id"]) == 36
    if kind == "text/html":
        assert b"color-scheme:light dark}" in answer.body


def test_a_post_that_reached_the_app_is_not_sent_again(caddy: RunningCaddy, host: str) -> None:
    seen = []

    def break_off(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            seen.append(connection.recv(4096))
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=break_off, args=(server,), daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        caddy.edge.point(host, [address, address, address])
        assert caddy.ask(host, method="POST", body=b"pay").status == 502
        server.shutdown(socket.SHUT_RDWR)
    assert len(seen) == 1


def test_a_head_that_never_ends_is_cut_off_and_a_too_large_one_refused(caddy: RunningCaddy) -> None:
    config = json.loads((caddy.home.edge / "caddy.json").read_text())
    server = config["apps"]["http"]["servers"]["edge"]
    assert server["read_header_timeout"] == "15s"
    assert "read_timeout" not in server
    answer = caddy.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"x" * (80 << 10) + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_site_whose_folder_is_gone_answers_404(caddy: RunningCaddy, tmp_path: Path, host: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    caddy.edge.serve_site(host, site)
    site.rmdir()
    assert caddy.ask(host).status == 404


def test_a_new_host_costs_caddy_no_reload(caddy: RunningCaddy, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("home")
    before = _config_loads(caddy)
    hosts = [f"burst-{number}-{secrets.token_hex(4)}.example.test" for number in range(100)]
    for name in hosts:
        caddy.edge.serve_site(name, tmp_path)
    assert {caddy.ask(name).body for name in hosts} == {b"home"}
    assert _config_loads(caddy) == before


def _config_loads(caddy: RunningCaddy) -> int:
    return (caddy.home.logs / "caddy.log").read_text().count("server running")


def _status(caddy: RunningCaddy, name: bytes) -> int:
    answer = caddy.send(b"GET / HTTP/1.1\r\nHost: " + name + b"\r\nConnection: close\r\n\r\n")
    return int(answer.split(b" ", 2)[1])
