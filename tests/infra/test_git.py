"""Running git: a fixed environment, limits that hold, and no process left."""

import os
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra.git import GitRun, git_environment, run_git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "a repository.git"
    assert run_git(["init", "--quiet", "--bare", "--template=", "--", str(path)]).code == 0
    return path


def test_nothing_of_the_callers_environment_changes_what_git_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[alias]\n\tlog = status\n[user]\n\tname = Mallory\n")
    hostile = {
        "GIT_CONFIG_GLOBAL": str(tmp_path / "config"),
        "GIT_CONFIG_PARAMETERS": "'user.name=Mallory'",
        "GIT_DIR": "/nowhere",
        "GIT_EXEC_PATH": "/nowhere",
        "GIT_SSH_COMMAND": "touch x",
        "CANONRY_DATABASE_URL": "secret",
    }
    for name, value in {**hostile, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    environment = git_environment()
    assert environment["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert not (hostile.keys() - {"GIT_CONFIG_GLOBAL"}) & environment.keys()
    assert run_git(["config", "user.name"]).out == b""


def test_no_transport_works_unless_it_was_asked_for(repository: Path) -> None:
    for url in (repository.as_uri(), "ext::sh -c 'touch pwned'", "http://127.0.0.1:9/x", "git://127.0.0.1/x", "ssh://127.0.0.1/x"):
        result = run_git(["ls-remote", "--", url])
        assert result.code != 0
        assert "not allowed" in result.err
    assert run_git(["ls-remote", "--", repository.as_uri()], GitRun(transports=["file"])).code == 0


def test_a_git_that_takes_too_long_is_ended_with_all_it_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x.git"
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            run_git(["ls-remote", "--", address], GitRun(timeout=0.6, transports=["http"]))
        assert caught.value.code == "git_timeout"
        assert time.monotonic() - started < 60
    stop = time.monotonic() + 60
    while any(_names(process, address) for process in psutil.Process().children(recursive=True)):
        assert time.monotonic() < stop
        time.sleep(0.02)


def test_a_file_cannot_grow_beyond_the_limit(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(4 << 20))
    argv = [f"--git-dir={repository}", "hash-object", "-w", "--", str(tmp_path / "big")]
    assert run_git(argv, GitRun(limit_bytes=1 << 20)).code != 0
    assert run_git(argv, GitRun(limit_bytes=16 << 20)).code == 0


def test_a_credential_travels_in_a_header_and_not_on_the_command_line() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: heard.append(_one_request(server)))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.git"
        run_git(["ls-remote", "--", url], GitRun(timeout=10, transports=["http"], credential=Secret("ada:key"), credential_url=url))
        thread.join()
    assert b"authorization: basic ywrhomtleq==" in heard[0].lower()


def _one_request(server: socket.socket) -> bytes:
    client, _ = server.accept()
    with client:
        data = client.recv(65536)
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return data


def _names(process: psutil.Process, word: str) -> bool:
    try:
        return any(word in part for part in process.cmdline())
    except psutil.Error:
        return False


def test_a_git_that_has_more_to_say_than_is_wanted_is_ended_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"a line\n" * 3_000_000)
    (tmp_path / "two").write_bytes(b"")
    argv = ["diff", "--no-index", "--", str(tmp_path / "two"), str(tmp_path / "one")]
    assert len(run_git(argv, GitRun(most_output=1 << 20)).out) == 1 << 20
    assert len(run_git(argv).out) > 20_000_000
