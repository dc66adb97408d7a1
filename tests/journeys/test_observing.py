"""Requests counted and lines sent on through a whole Canonry, with Caddy and Canonry killed in between."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.canonry import Canonry, ask, eventually, running_canonry
from tests.support.receiver import Received, receiving

pytestmark = pytest.mark.slow

_APP = """
import http.server, os, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.3)
        status = {"/missing": 404, "/broken": 500, "/moved": 302}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *arguments):
        pass
def count():
    number = 0
    while True:
        print("line %06d" % number, flush=True)
        number += 1
        time.sleep(0.02)
threading.Thread(target=count, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def canonry(tmp_path: Path) -> Iterator[Canonry]:
    with running_canonry(tmp_path, CANONRY_ALLOW_PRIVATE_TARGETS="1", CANONRY_METRICS_TOKEN="a-token-of-prometheus") as running:
        folder = tmp_path / "app"
        folder.mkdir()
        (folder / "main.py").write_text(_APP)
        (folder / "Procfile").write_text("web: python main.py\n")
        running.must("deploy", str(folder), "--project", "shop")
        yield running


def visit(canonry: Canonry, *paths: str) -> None:
    for path in paths:
        eventually(lambda path=path: ask(canonry.port, "shop.localhost", path).status, lambda status: status != 502)  # type: ignore[misc]


def total(canonry: Canonry) -> dict[str, Any]:
    return dict(canonry.api("GET", "/v1/projects/shop/metrics?window=1h")["total"])


@pytest.mark.criterion("operating#ten-are-ten")
def test_ten_requests_are_ten_also_when_caddy_and_canonry_die_in_between(canonry: Canonry) -> None:
    began = total(canonry)["requests"]
    visit(canonry, *["/"] * 10)
    eventually(lambda: total(canonry)["requests"] - began, lambda count: count == 10)
    visit(canonry, "/missing", "/missing", "/broken", "/moved", "/slow")
    canonry.kill("caddy")
    eventually(lambda: ask(canonry.port, "shop.localhost", "/").status, lambda status: status == 200)
    found = eventually(lambda: total(canonry), lambda found: found["requests"] - began == 16)
    assert {name: found[name] for name in ("status_3xx", "status_4xx", "status_5xx")} == {
        "status_3xx": 1, "status_4xx": 2, "status_5xx": 1,
    }  # fmt: skip
    assert found["p50_ms"] < 300 <= found["p99_ms"] * 1.42
    canonry.kill("canonry")
    visit(canonry, "/", "/", "/")  # nobody counts, the site goes on
    canonry.up()
    assert eventually(lambda: total(canonry)["requests"] - began, lambda count: count >= 19) == 19
    answer = eventually(lambda: canonry.api("GET", "/v1/projects/shop/metrics?window=10m"),
                        lambda answer: any(sample["cpu_pct"] > 0 for sample in answer["samples"]), within=40)  # fmt: skip
    assert all(sample["mem_bytes"] > 1 << 20 for sample in answer["samples"] if sample["instances"])
    assert [sample["at"] for sample in answer["samples"]] == sorted(sample["at"] for sample in answer["samples"])
    assert 'canonry_project_requests_total{project="shop",environment="production",class="4xx"} 2' in _prometheus(canonry)


def _prometheus(canonry: Canonry) -> str:
    return ask(canonry.port, "localhost", "/metrics", headers={"Authorization": "Bearer a-token-of-prometheus"}).text


@pytest.mark.criterion("operating#drain-loses-nothing")
def test_a_drain_loses_no_line_when_canonry_is_killed_and_the_collector_fails(canonry: Canonry) -> None:
    with receiving() as receiver:
        canonry.must("drains", "add", receiver.url, "--project", "shop")
        eventually(lambda: len(_numbers(receiver.received)), lambda count: count > 20)
        receiver.status = 500
        eventually(lambda: canonry.api("GET", "/v1/projects/shop/drains")["drains"][0]["status"], lambda status: status == "failing")
        canonry.kill("canonry")
        refused = _numbers(receiver.received[-1:])[0]  # the first line that the collector does not have yet
        receiver.received.clear()
        receiver.status = 200
        canonry.up()
        eventually(lambda: len(_numbers(receiver.received)), lambda count: count > 100, within=60)
        numbers = sorted(set(_numbers(receiver.received)))
        assert numbers == list(range(refused, numbers[-1] + 1))
        assert "ok" in canonry.must("drains", "ls", "--project", "shop")


def _numbers(received: Sequence[Received]) -> list[int]:
    texts = [json.loads(line)["message"] for request in list(received) for line in request.body.splitlines()]
    return [int(text.split()[1]) for text in texts if text.startswith("line ")]
