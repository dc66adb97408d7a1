"""Processes by pid and start time, and ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from canonry.infra import processes
from canonry.infra.processes import ProcessId
from tests.support.waiting import until

_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_process_is_known_by_pid_and_start_time() -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    assert processes.is_alive(me)
    assert not processes.is_alive(ProcessId(me.pid, me.started + 1))
    assert abs(processes.started_at(me) - time.time()) < 3600


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    child = processes.start_detached(["/bin/true"], log=tmp_path / "log", env={})
    until(lambda: processes.identify(child.pid) is None)
    assert child.wait() == 0


def test_a_detached_process_has_its_own_session_and_only_its_environment(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    program = "import os; print(os.getsid(0) == os.getpid(), sorted(os.environ), flush=True)"
    child = processes.start_detached([sys.executable, "-I", "-c", program], log=log, env={"ONLY": "this"})
    assert child.wait() == 0
    assert log.read_text().startswith("True ['")
    assert "HOME" not in log.read_text()


def test_stopping_asks_first_and_kills_what_does_not_listen(tmp_path: Path) -> None:
    polite = subprocess.Popen(_SLEEP)
    known = processes.identify(polite.pid)
    assert known is not None
    assert processes.stop(known, grace=5)
    assert polite.wait() == -signal.SIGTERM
    log = tmp_path / "log"
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    deaf = processes.start_detached([sys.executable, "-c", program], log=log, env={})
    until(lambda: log.read_text() != "")
    known = processes.identify(deaf.pid)
    assert known is not None
    assert not processes.stop(known, grace=0.1)
    assert deaf.wait() == -signal.SIGKILL


def test_stopping_never_hits_a_stranger_with_the_same_pid() -> None:
    child = subprocess.Popen(_SLEEP)
    try:
        known = processes.identify(child.pid)
        assert known is not None
        assert processes.stop(ProcessId(known.pid, known.started - 1), grace=1)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert processes.stop(known, grace=1)  # gone already


def test_a_held_port_is_not_free_and_its_holder_has_a_name() -> None:
    port = processes.free_port()
    assert processes.is_port_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not processes.is_port_free(port)
        assert f"(pid {os.getpid()})" in processes.port_holder(port)
    assert processes.port_holder(port) == ""


def test_more_files_may_be_opened_and_never_fewer() -> None:
    code = """import resource
from canonry.infra.processes import allow_open_files
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
for most in (256, 64, hard if hard > 0 else 512):
    allow_open_files(most)
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
print(hard if hard > 0 else 512)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, third, hard = done.stdout.split()
    assert (first, second, third) == ("256", "256", hard)
