"""A domain of one's own, from the attaching to HTTPS, on a whole Canonry and with a real name server; and through kill -9."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, ask, eventually, free_port, running_canonry, write_site
from tests.support.dns import DnsServer, running
from tests.support.requests_in_flight import Visitor

NAME = "www.shop.test"


@pytest.fixture(scope="module")
def names() -> Iterator[DnsServer]:
    yield from running()


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory, names: DnsServer) -> Iterator[Canonry]:
    settings = {"CANONRY_DNS_RESOLVER": names.address, "CANONRY_PUBLIC_ADDRESSES": "127.0.0.1", "CANONRY_TLS": "internal"}
    with running_canonry(tmp_path_factory.mktemp("domains"), CANONRY_HTTPS_PORT=str(free_port()), **settings) as canonry:
        yield canonry


def test_a_domain_is_attached_proved_served_and_kept_through_a_crash(canonry: Canonry, names: DnsServer, tmp_path: Path) -> None:
    assert canonry.deploy(write_site(tmp_path / "site", "one"), "shop").returncode == 0
    lines = [line.split() for line in canonry.must("domains", "add", NAME, "--project", "shop").splitlines()]
    assert canonry.command("domains", "verify", NAME, "--project", "shop").returncode != 0
    assert ask(canonry.port, NAME).status == 404
    for name, _, _, kind, value in lines:
        names.zone.records[name.rstrip("."), kind] = [value.strip('"')]
    canonry.must("domains", "verify", NAME, "--wait", "--project", "shop")
    eventually(lambda: _certificate(canonry), lambda status: status == "active", within=60)
    assert "one" in _secure(canonry)
    assert ask(canonry.port, NAME).status == 308

    canonry.kill("canonry")
    assert "one" in _secure(canonry)
    canonry.up()
    assert canonry.deploy(write_site(tmp_path / "site", "two"), "shop").returncode == 0
    assert "two" in _secure(canonry)
    canonry.must("domains", "rm", NAME, "--project", "shop")
    assert ask(canonry.port, NAME).status == 404


@pytest.mark.criterion("operating#hosts-harmless")
def test_no_request_of_another_host_fails_while_domains_come_and_go(canonry: Canonry, names: DnsServer, tmp_path: Path) -> None:
    for slug in ("bystander", "changing"):
        assert canonry.deploy(write_site(tmp_path / slug, slug), slug).returncode == 0
    with _SecureVisitor(canonry, "bystander.localhost") as visitor:
        for number in range(3):
            name = f"n{number}.changing.test"
            lines = [line.split() for line in canonry.must("domains", "add", name, "--project", "changing").splitlines()]
            for record, _, _, kind, value in lines:
                names.zone.records[record.rstrip("."), kind] = [value.strip('"')]
            canonry.must("domains", "verify", name, "--wait", "--project", "changing")
            eventually(lambda name=name: ask(canonry.port, name).status, lambda status: status == 308)
            canonry.must("domains", "rm", name, "--project", "changing")
            assert ask(canonry.port, name).status == 404
        before = visitor.asked
        eventually(lambda: visitor.asked, lambda asked: asked > before)
    assert visitor.wrong == []
    assert all("bystander" in seen for seen in visitor.seen)


class _SecureVisitor(Visitor):
    """A visitor who comes over HTTPS."""

    def __init__(self, canonry: Canonry, host: str) -> None:
        super().__init__(int(canonry.settings["CANONRY_HTTPS_PORT"]), host)
        self._context = ssl.create_default_context(
            cafile=str(canonry.home / "edge" / "caddy" / "pki" / "authorities" / "local" / "root.crt")
        )

    def _connect(self) -> http.client.HTTPConnection:
        return _Connection(self.port, self.host, self._context)


class _Connection(http.client.HTTPConnection):
    """A connection to 127.0.0.1 that greets the server by the name of a host."""

    def __init__(self, port: int, name: str, context: ssl.SSLContext) -> None:
        super().__init__("127.0.0.1", port, timeout=15)
        self._name, self._context = name, context

    def connect(self) -> None:
        """Open it."""
        self.sock = self._context.wrap_socket(socket.create_connection((self.host, self.port), self.timeout), server_hostname=self._name)


def _certificate(canonry: Canonry) -> str:
    return str(json.loads(canonry.must("domains", "info", NAME, "--project", "shop", "--json"))["ssl"])


def _secure(canonry: Canonry) -> str:
    """Return what a browser sees that trusts the authority of this Canonry."""
    context = ssl.create_default_context(cafile=str(canonry.home / "edge" / "caddy" / "pki" / "authorities" / "local" / "root.crt"))
    plain = socket.create_connection(("127.0.0.1", int(canonry.settings["CANONRY_HTTPS_PORT"])), timeout=20)
    connection = http.client.HTTPConnection(NAME)
    connection.sock = context.wrap_socket(plain, server_hostname=NAME)
    connection.request("GET", "/", headers={"Connection": "close"})
    with connection.getresponse() as answer:
        text = answer.read().decode()
    connection.close()
    return text
