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
