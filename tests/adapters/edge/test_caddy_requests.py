"""Counting requests at a real Caddy: hostile Host headers, restarts, files that are put aside."""

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.edge.caddy.requests import read_requests
from tests.support.edge import Apps, RunningCaddy

_LINE = '{{"ts":{at}.25,"duration":0.001,"status":{status},"host":"{host}"}}\n'


def counted(caddy: RunningCaddy, least: int) -> Counter[str]:
    """Return host → requests of everything kept, as soon as there are so many."""
    deadline = time.monotonic() + 60
    while True:
        found = Counter(request.host for request in caddy.edge.requests({}).requests)
        if found.total() >= least or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def test_only_hosts_with_a_route_are_written_down_whatever_clients_call_themselves(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.example.test", [apps.start("one").address])
    for number in range(50):
        own_caddy.ask(f"scan-{number}.example.test")
    for host in ("../../etc/passwd", "a b", "APP.example.test.evil", "app.example.test/x", '"', "{env.HOME}", "localhost", "127.0.0.1"):
        own_caddy.send(b"GET / HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n")
    for host in ("APP.Example.TEST", "app.example.test.", "app.example.test:8080"):  # three ways to write the one name
        own_caddy.send(b"GET / HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n")
    own_caddy.send(b"GET http://app.example.test/ HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
    assert counted(own_caddy, 4) == {"app.example.test": 4}
    written = b"".join(path.read_bytes() for path in own_caddy.home.edge_requests.iterdir())
    assert b"scan" not in written
    assert written.count(b"\n") == 4


def test_an_edge_that_was_stopped_is_not_up(own_caddy: RunningCaddy) -> None:
    assert own_caddy.edge.is_up()
    own_caddy.process.stop(grace=0)
    assert not own_caddy.edge.is_up()


def test_nothing_about_the_client_is_written_down(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.example.test", [apps.start("one").address])
    own_caddy.ask("app.example.test", "/secret-path?token=abc", {"Authorization": "Bearer abc", "Cookie": "id=abc", "User-Agent": "me"})
    counted(own_caddy, 1)
    (file,) = own_caddy.home.edge_requests.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_text() for word in ("secret-path", "abc", "Bearer", "Cookie", "127.0.0.1"))


def test_a_restart_loses_and_doubles_nothing(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.example.test", [apps.start("one").address])
    asked, after, seen = 0, {}, 0
    for _ in range(3):
        for _ in range(20):
            assert own_caddy.ask("app.example.test").status == 200
            asked += 1
        page = own_caddy.edge.requests(after)
        after, seen = dict(page.cursor), seen + len(page.requests)
        own_caddy.process.restart()
    deadline = time.monotonic() + 60
    while seen < asked and time.monotonic() < deadline:
        page = own_caddy.edge.requests(after)
        after, seen = dict(page.cursor), seen + len(page.requests)
    assert (seen, asked) == (60, 60)
    assert own_caddy.edge.requests(after).requests == []


def test_a_file_that_was_put_aside_is_read_to_its_end_and_then_deleted(tmp_path: Path) -> None:
    current = tmp_path / "caddy-1.log"
    current.write_text("".join(_LINE.format(at=at, status=200, host="a") for at in range(3)))
    first = read_requests(tmp_path, {})
    with current.open("a") as file:
        file.write(_LINE.format(at=3, status=200, host="a"))
    aside = tmp_path / "caddy-1-2026-11-25T20-00-00.000-size.log"
    current.rename(aside)
    current.write_text(_LINE.format(at=4, status=200, host="b"))
    second = read_requests(tmp_path, first.cursor)
    assert [(request.at, request.host) for request in second.requests] == [(3.25, "a"), (4.25, "b")]
    assert aside.exists()  # until somebody comes back with the cursor behind it
    third = read_requests(tmp_path, second.cursor)
    assert (third.requests, aside.exists(), current.exists()) == ([], False, True)
    assert read_requests(tmp_path, third.cursor).requests == []


def test_the_file_of_a_caddy_that_left_long_ago_is_deleted_and_that_of_the_present_one_never(tmp_path: Path) -> None:
    for generation in (9, 10):
        (tmp_path / f"caddy-{generation}.log").write_text(_LINE.format(at=generation, status=200, host="a"))
    page = read_requests(tmp_path, {})
    read_requests(tmp_path, page.cursor)
    assert len(list(tmp_path.iterdir())) == 2  # the older one may still be ending its requests
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    read_requests(tmp_path, page.cursor)
    assert [path.name for path in tmp_path.iterdir()] == ["caddy-10.log"]


def test_much_is_read_in_parts(tmp_path: Path) -> None:
    line = _LINE.format(at=1_700_000_000, status=200, host="a-host.example.test")
    (tmp_path / "caddy-1.log").write_text(line * 100_000)
    cursor, seen, parts, more = {}, 0, 0, True
    while more:
        page = read_requests(tmp_path, cursor)
        cursor, more, seen, parts = dict(page.cursor), page.more, seen + len(page.requests), parts + 1
    assert seen == 100_000
    assert parts > 1


@given(st.lists(st.tuples(st.integers(0, 2_000_000_000), st.integers(100, 599), st.sampled_from(["a", "b.example"])), max_size=30),
       st.lists(st.integers(0, 4000), max_size=6))  # fmt: skip
def test_however_the_writing_falls_into_pieces_each_line_is_told_once(lines: list[tuple[int, int, str]], cuts: list[int]) -> None:
    text = "".join(_LINE.format(at=at, status=status, host=host) for at, status, host in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "caddy-1.log"
        seen, cursor = [], {}
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(text)], strict=True):
            with path.open("a") as file:
                file.write(text[start:end])
            page = read_requests(Path(folder), cursor)
            cursor = dict(page.cursor)
            seen += page.requests
        page = read_requests(Path(folder), cursor)
        seen += page.requests
    assert [(int(request.at), request.status, request.host) for request in seen] == lines
