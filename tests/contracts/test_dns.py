"""The contract of the port dns (`ports/dns.py`), over memory and over real queries to a real server."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from canonry.adapters.dns.memory import MemoryDns
from canonry.adapters.dns.resolver import DnsResolver
from canonry.ports.dns import Dns, DnsAnswer
from tests.support.dns import DnsServer


@dataclass(frozen=True)
class Asked:
    """A resolver, and the records it finds."""

    dns: Dns
    records: dict[tuple[str, str], list[str]]
    fail: Callable[[str], None]


@pytest.fixture(params=["memory", "real"])
def asked(request: pytest.FixtureRequest) -> Asked:
    if request.param == "memory":
        memory = MemoryDns()
        return Asked(memory, memory.records, lambda name: memory.faults.update({name: "server_failure"}))
    server: DnsServer = request.getfixturevalue("dns_server")
    return Asked(DnsResolver(server.address), server.zone.records, server.zone.fails.add)


def test_texts_are_found_whole_and_anew_each_time(asked: Asked) -> None:
    assert asked.dns.texts("_canonry.shop.test") == DnsAnswer(fault="no_such_name")
    asked.records["_canonry.shop.test", "TXT"] = ["a" * 400, "other"]
    assert asked.dns.texts("_canonry.shop.test").values == ("a" * 400, "other")
    asked.records["_canonry.shop.test", "TXT"] = ["changed"]
    assert asked.dns.texts("_canonry.shop.test").values == ("changed",)


def test_addresses_are_of_both_kinds_and_through_aliases(asked: Asked) -> None:
    asked.records.update({
        ("www.shop.test", "CNAME"): ["Shop.Host.test."], ("shop.host.test", "CNAME"): ["edge.host.test"],
        ("edge.host.test", "A"): ["192.0.2.7", "192.0.2.5"], ("edge.host.test", "AAAA"): ["2001:db8:0::1"],
    })  # fmt: skip
    found = asked.dns.addresses("www.shop.test")
    assert found == DnsAnswer(("192.0.2.5", "192.0.2.7", "2001:db8::1"), ("shop.host.test", "edge.host.test"))
    assert found.is_known


def test_one_kind_of_address_is_enough(asked: Asked) -> None:
    asked.records["six.test", "AAAA"] = ["2001:db8::2"]
    assert asked.dns.addresses("six.test") == DnsAnswer(("2001:db8::2",))


def test_an_alias_that_leads_nowhere_is_told(asked: Asked) -> None:
    asked.records["www.shop.test", "CNAME"] = ["gone.test"]
    found = asked.dns.addresses("www.shop.test")
    assert (found.values, found.aliases, found.is_known) == ((), ("gone.test",), True)


def test_aliases_in_a_circle_end(asked: Asked) -> None:
    asked.records.update({("a.test", "CNAME"): ["b.test"], ("b.test", "CNAME"): ["a.test"]})
    found = asked.dns.addresses("a.test")
    assert (found.values, found.fault) == ((), "server_failure")


def test_a_name_without_that_record_is_another_thing_than_no_name(asked: Asked) -> None:
    asked.records["shop.test", "A"] = ["192.0.2.1"]
    assert asked.dns.texts("shop.test").fault == "no_record"
    assert asked.dns.texts("nothing.test").fault == "no_such_name"


def test_a_server_that_fails_is_no_answer_about_the_name(asked: Asked) -> None:
    asked.fail("shop.test")
    found = asked.dns.texts("shop.test")
    assert (found.fault, found.is_known) == ("server_failure", False)


def test_authorities_are_those_of_the_nearest_name_above(asked: Asked) -> None:
    asked.records[("www.shop.test", "A")] = ["192.0.2.1"]
    assert asked.dns.authorities("www.shop.test").fault in {"no_record", "no_such_name"}
    asked.records["shop.test", "CAA"] = ["issue ca.test", "issuewild ;"]
    assert asked.dns.authorities("www.shop.test").values == ("issue ca.test", "issuewild ;")
    asked.records["www.shop.test", "CAA"] = ["issue other.test"]
    assert asked.dns.authorities("www.shop.test").values == ("issue other.test",)
