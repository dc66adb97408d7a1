"""What only real queries have: servers that are silent, and the difference between a resolver and the responsible servers."""

import socket
import time
from collections.abc import Iterator

import pytest

from canonry.adapters.dns.resolver import DnsResolver
from tests.support.dns import DnsServer, running


@pytest.fixture
def other_server() -> Iterator[DnsServer]:
    yield from running()


def test_a_silent_server_costs_a_few_seconds_at_most() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        found = DnsResolver(f"127.0.0.1:{silent.getsockname()[1]}").addresses("shop.test")
        assert (found.fault, found.is_known) == ("timeout", False)
        assert time.monotonic() - begun < 60


def test_a_resolver_that_is_not_there_is_told_as_a_failure() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert not DnsResolver(f"127.0.0.1:{port}").texts("shop.test").is_known


def test_what_is_no_name_raises_nothing(dns_server: DnsServer) -> None:
    for name in ("a..b", "x" * 64 + ".test", ".".join(["abcdefgh"] * 40)):
        assert not DnsResolver(dns_server.address).texts(name).is_known


def test_the_responsible_servers_are_asked_and_not_a_resolver_that_remembers(dns_server: DnsServer, other_server: DnsServer) -> None:
    resolver, responsible = dns_server.zone, other_server.zone
    resolver.records.update({
        ("shop.test", "SOA"): ["ns.shop.test"], ("shop.test", "NS"): ["ns.shop.test"], ("ns.shop.test", "A"): ["127.0.0.1"],
        ("_canonry.shop.test", "TXT"): ["of yesterday"],
    })  # fmt: skip
    responsible.records["_canonry.shop.test", "TXT"] = ["of now"]
    dns = DnsResolver(finder=dns_server.address, authority_port=other_server.port, allow_private=True)
    assert dns.texts("_canonry.shop.test").values == ("of now",)
    assert ("_canonry.shop.test", "TXT") not in resolver.asked


def test_a_zone_cannot_send_our_questions_into_our_own_network(dns_server: DnsServer, other_server: DnsServer) -> None:
    dns_server.zone.records.update({
        ("shop.test", "SOA"): ["ns.shop.test"], ("shop.test", "NS"): ["ns.shop.test"], ("ns.shop.test", "A"): ["127.0.0.1"],
        ("_canonry.shop.test", "TXT"): ["from the resolver"],
    })  # fmt: skip
    dns = DnsResolver(finder=dns_server.address, authority_port=other_server.port)
    assert dns.texts("_canonry.shop.test").values == ("from the resolver",)
    assert other_server.zone.asked == []
