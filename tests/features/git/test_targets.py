"""Which servers git may be sent to: somebody who may deploy tries to reach what lies inside this network."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from canonry.core.errors import CanonryError, Invalid
from canonry.core.paths import Home
from canonry.core.refs import parse_repository_url
from canonry.core.settings import Settings, read_settings
from canonry.features.git import checkout, fetch_mirror
from canonry.features.git.targets import PUBLIC, Targets, targets_of, way_to
from tests.support.git import Person


@dataclass
class Server:
    """A server of this machine that counts who came. moves: path → where it redirects to."""

    port: int = 0
    seen: list[str] = field(default_factory=list)
    moves: dict[str, str] = field(default_factory=dict)


@contextmanager
def serving(folder: Path, host: str = "127.0.0.1") -> Iterator[Server]:
    state = Server()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            state.seen.append(self.path)
            for old, new in state.moves.items():
                if self.path.startswith(old):
                    self.send_response(301)
                    self.send_header("Location", new + self.path.removeprefix(old))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    assert issubclass(Handler, BaseHTTPRequestHandler)
    server = ThreadingHTTPServer((host, 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    ada = Person(tmp_path / "ada")
    ada.commit({"index.html": "hello"})
    ada.git("clone", "--quiet", "--bare", ".", str(tmp_path / "served" / "shop.git"))
    Person(tmp_path / "served" / "shop.git").git("update-server-info")
    return tmp_path / "served"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


def fetch(home: Home, url: str, targets: Targets = PUBLIC) -> str:
    return fetch_mirror(home, url, "main", lambda _: None, targets=targets)[1].sha


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_ports_of_this_machine_cannot_be_probed(home: Home, repository: Path, host: str) -> None:
    with serving(repository) as server:
        for scheme in ("http", "https"):
            with pytest.raises(Invalid) as caught:
                fetch(home, f"{scheme}://{host}:{server.port}/shop.git")
            assert caught.value.code == "private_address"
            assert "CANONRY_PRIVATE_GIT_HOSTS" in caught.value.hint
    assert server.seen == []


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd00::1", "::ffff:127.0.0.1"])
def test_a_name_that_means_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("1.1.1.1", 0)), (0, 0, 0, "", (address, 0))])
    for url in ("https://git.example.com/a.git", "ssh://git@git.example.com:2222/a.git", "git@git.example.com:a.git"):
        with pytest.raises(Invalid) as caught:
            way_to(parse_repository_url(url, allow_ssh=True), PUBLIC)
        assert caught.value.code == "private_address"


def test_git_connects_to_the_address_that_was_checked_whatever_the_name_means_a_moment_later(
    home: Home, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git itself takes any name below localhost for 127.0.0.1; only here it means 127.0.0.2, where the repository is."""
    look_up = socket.getaddrinfo

    def changed(host: str, *arguments: object, **options: object) -> object:
        return look_up("127.0.0.2" if host == "git.localhost" else host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", changed)
    with serving(repository, "127.0.0.2") as server:
        fetch(home, f"http://git.localhost:{server.port}/shop.git", Targets(hosts=frozenset({"git.localhost"})))
    assert server.seen


def test_ssh_is_sent_to_the_checked_address_under_the_name_that_was_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("1.1.1.1", 0))])
    for url, alias in (
        ("git@git.example.com:a.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/a.git", "[git.example.com]:2222"),
    ):
        assert way_to(parse_repository_url(url, allow_ssh=True), PUBLIC).ssh == {"HostName": "1.1.1.1", "HostKeyAlias": alias}


def test_a_redirect_leads_nowhere_but_to_another_path_on_the_same_server(home: Home, repository: Path) -> None:
    with serving(repository) as first, serving(repository) as second:
        allowed = Targets(hosts=frozenset({f"127.0.0.1:{first.port}"}))
        first.moves = {"/old.git": "/shop.git", "/away.git": f"http://127.0.0.1:{second.port}/shop.git"}
        with pytest.raises(Invalid) as caught:
            fetch(home, f"http://127.0.0.1:{first.port}/away.git", allowed)
        assert caught.value.code == "repository_moved"
        assert second.seen == []
        assert fetch(home, f"http://127.0.0.1:{first.port}/old.git", allowed)


def test_a_submodule_does_not_lead_inside(home: Home, tmp_path: Path, repository: Path) -> None:
    with serving(repository) as server:
        ada = Person(tmp_path / "parent")
        url = f"http://127.0.0.1:{server.port}/shop.git"
        ada.commit({".gitmodules": f'[submodule "a"]\n\tpath = a\n\turl = {url}\n'})
        ada.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},a")
        ada.git("commit", "--quiet", "-m", "Submodule")
        with pytest.raises(CanonryError) as caught:
            checkout(ada.tree / ".git", ada.head(), tmp_path / "out", lambda _: None, home=home)
        assert caught.value.code == "private_address"
    assert server.seen == []


def test_the_settings_name_servers() -> None:
    settings = read_settings({"CANONRY_PRIVATE_GIT_HOSTS": "Git.Corp.example, localhost:3000"})
    targets = targets_of(settings)
    assert targets.allow("git.corp.example", 443)
    assert targets.allow("localhost", 3000)
    assert not targets.allow("localhost", 3001)
    assert targets_of(Settings(allow_private_targets=True)).allow("anything", 1)
    for wrong in ("https://git.corp.example", "a b", "x/y", "-x"):
        with pytest.raises(Invalid, match="PRIVATE_GIT_HOSTS"):
            read_settings({"CANONRY_PRIVATE_GIT_HOSTS": wrong})
