"""The Caddy process: found again, started again, restarted under load; what it says when it cannot start."""

import errno
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from canonry.adapters.edge.caddy import CaddyEdge, CaddyProcess, sockets
from canonry.core.errors import Conflict, Invalid, NeedsAction
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.edge import Page
from tests.support.edge import Apps, RunningCaddy, free_port
from tests.support.load import count_while


def test_a_killed_caddy_is_started_again_on_the_same_sockets_and_the_waiting_request_is_answered(
    own_caddy: RunningCaddy, apps: Apps
) -> None:
    own_caddy.edge.point("app.test", [apps.start("app").address])
    first = own_caddy.process.find()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    _until(lambda: own_caddy.process.find() is None)
    answers: list[bytes] = []
    waiting = threading.Thread(target=lambda: answers.append(own_caddy.ask("app.test").body))
    waiting.start()
    time.sleep(0.1)
    assert answers == []
    assert own_caddy.process.ensure() is True
    waiting.join(60)
    assert answers == [b"app"]
    assert own_caddy.process.find() not in {None, first}
    assert own_caddy.process.ensure() is False


def test_restarts_under_load_lose_no_request(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.test", [apps.start("app").address])
    pids = [own_caddy.process.find()]

    def restarts() -> None:
        for _ in range(3):
            time.sleep(1)
            pids.append(own_caddy.process.restart())

    counts = count_while(restarts, own_caddy.port, "app.test", seconds=7, rate=350, enough=200)
    assert counts.lost == []
    assert counts.retried == 0
    assert counts.right >= 200
    assert len(set(pids)) == 4
    _until(lambda: [_is_running(pid) for pid in pids if pid] == [False, False, False, True], seconds=60)


def test_a_request_that_is_under_way_survives_a_restart(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.test", [apps.start("app").address])
    answers: list[bytes] = []
    slow = threading.Thread(target=lambda: answers.append(own_caddy.ask("app.test", "/slow").body))
    slow.start()
    time.sleep(0.1)
    own_caddy.process.restart()
    slow.join(60)
    assert answers == [b"app"]


def test_a_new_python_process_finds_caddy_and_keeps_its_sockets(own_caddy: RunningCaddy) -> None:
    own_caddy.edge.show_page("page.test", Page.STOPPED)
    own_caddy.process.release()
    successor = CaddyProcess(own_caddy.home, own_caddy.settings)
    pid = own_caddy.process.find()
    assert pid is not None
    assert successor.start() == pid
    os.kill(pid, signal.SIGKILL)
    _until(lambda: successor.find() is None)
    with socket.create_connection(("127.0.0.1", own_caddy.port), timeout=5):
        assert successor.ensure() is True
    assert own_caddy.ask("page.test").status == 503
    successor.release()


def test_where_the_kernel_keeps_the_sockets_the_running_caddy_is_left_alone_and_a_restart_still_works(own_caddy: RunningCaddy) -> None:
    own_caddy.process.release()
    state = own_caddy.home.run / "caddy.json"
    values = json.loads(state.read_text())
    state.write_text(json.dumps({**values, "sockets": 0}))
    successor = CaddyProcess(own_caddy.home, own_caddy.settings)
    assert successor.start() == values["pid"]
    assert successor.ensure() is False
    assert successor.restart() != values["pid"]
    assert own_caddy.ask("nobody.test").status == 404
    successor.release()


def test_start_puts_a_changed_setting_in_force_and_changes_nothing_otherwise(own_caddy: RunningCaddy) -> None:
    pid = own_caddy.process.start()
    assert own_caddy.process.start() == pid
    changed = Settings(home=own_caddy.settings.home, http_port=own_caddy.port, base_domain="apps.test")
    own_caddy.process.release()
    successor = CaddyProcess(own_caddy.home, changed)
    assert successor.start() != pid
    assert own_caddy.ask("apps.test").status == 502
    successor.release()


def test_localhost_answers_on_ipv4_and_ipv6_and_a_stopped_caddy_on_neither(own_caddy: RunningCaddy) -> None:
    for address in ("127.0.0.1", "::1"):
        socket.create_connection((address, own_caddy.port), timeout=5).close()
    own_caddy.process.stop()
    assert own_caddy.process.find() is None
    for address in ("127.0.0.1", "::1"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, own_caddy.port), timeout=5)
    own_caddy.process.stop()


def test_routes_outlive_caddy(own_caddy: RunningCaddy, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("home")
    own_caddy.process.stop(grace=0)
    own_caddy.edge.serve_site("site.test", tmp_path)
    own_caddy.process.start()
    assert own_caddy.ask("site.test").body == b"home"
    assert CaddyEdge(own_caddy.home, own_caddy.settings).hosts() == ["site.test"]


def test_instances_of_another_boot_are_not_asked(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.test", [apps.start("app").address])
    route = own_caddy.home.routes / "app.test"
    words = route.read_text().split(" ")
    route.write_text(" ".join([words[0], "0123456789ab", *words[2:]]))
    assert own_caddy.ask("app.test").status == 502


@pytest.mark.parametrize("rest", ["", "proxy", "nonsense", "site", "page dead", "\n"])
def test_a_damaged_route_answers_dead(own_caddy: RunningCaddy, rest: str) -> None:
    (own_caddy.home.routes / "app.test").write_text(rest)
    assert own_caddy.ask("app.test").status in ({404} if not rest.strip() else {502})


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        home = Home(tmp_path / "home")
        home.create()
        with pytest.raises(Conflict) as caught:
            CaddyProcess(home, Settings(home=home.root, http_port=port)).start()
    assert caught.value.code == "port_taken"
    assert f"Port {port} on 127.0.0.1" in caught.value.message
    assert f"process {os.getpid()}" in caught.value.message


def test_a_low_port_without_permission_says_what_to_do() -> None:
    error = sockets._explained(PermissionError(errno.EACCES, "Permission denied"), "0.0.0.0", 80)  # noqa: S104
    assert isinstance(error, NeedsAction)
    assert error.code == "port_not_permitted"
    assert "1024" in error.hint


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        sockets.listening_sockets("192.0.2.1", [free_port()])
    assert caught.value.code == "invalid_setting"


def test_the_sockets_are_not_shared_with_whoever_asks(own_caddy: RunningCaddy) -> None:
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", own_caddy.port))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(condition: object, *, seconds: float = 60) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
