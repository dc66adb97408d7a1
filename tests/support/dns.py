"""A real DNS server on loopback, whose records a test changes as it goes."""

import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from dnslib import AAAA, CAA, CNAME, NS, QTYPE, RCODE, RD, RR, SOA, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

_MAKE: dict[str, type[RD]] = {"A": A, "AAAA": AAAA, "CNAME": CNAME, "NS": NS, "TXT": TXT}


@dataclass
class Zone(BaseResolver):  # type: ignore[misc]  # dnslib brings no types
    """Records by (name, type). fails: names that answer SERVFAIL; silent: names that get no answer in time. asked: every question."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        """Answer like a server of the zone: an alias is told, and followed as far as the records go."""
        reply = request.reply()
        name, kind = str(request.q.qname).rstrip(".").lower(), str(QTYPE[request.q.qtype])
        self.asked.append((name, kind))
        if name in self.silent:
            time.sleep(3)
        if name in self.fails:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        while len(reply.rr) < 5 and (name, kind) not in self.records and (target := self.records.get((name, "CNAME"))):
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(target[0]), ttl=0))
            name = target[0].rstrip(".").lower()
        for value in self.records.get((name, kind), []):
            reply.add_answer(RR(name, getattr(QTYPE, kind), rdata=_data(kind, value), ttl=0))
        if not reply.rr and not any(owner == name for owner, _ in self.records):
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


@dataclass(frozen=True)
class DnsServer:
    """A running server. address: `127.0.0.1:<port>`."""

    zone: Zone
    address: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    """Give a DNS server with no records."""
    yield from running()


def _on_one_port(zone: Zone, quiet: DNSLogger) -> tuple[DNSServer, DNSServer]:
    while True:
        udp = DNSServer(zone, address="127.0.0.1", port=0, logger=quiet, server=_Udp)
        try:
            return udp, DNSServer(zone, address="127.0.0.1", port=udp.server.server_address[1], tcp=True, logger=quiet, server=_Tcp)
        except OSError:  # somebody has this port for TCP
            udp.server.server_close()


def running() -> Iterator[DnsServer]:
    """Give a DNS server, on UDP and TCP."""
    zone, quiet = Zone(), DNSLogger(log="-request,-reply,-truncated,-error", logf=lambda _line: None)
    udp, tcp = _on_one_port(zone, quiet)
    port = udp.server.server_address[1]
    threads = [threading.Thread(target=each.server.serve_forever, args=(0.02,), daemon=True) for each in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield DnsServer(zone, f"127.0.0.1:{port}")
    finally:
        for each in (udp, tcp):
            each.server.shutdown()
            each.server.server_close()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _data(kind: str, value: str) -> RD:
    if kind == "CAA":
        tag, _, text = value.partition(" ")
        return CAA(0, tag, text)
    if kind == "SOA":
        return SOA(value, f"hostmaster.{value}", (1, 60, 60, 60, 60))
    if kind == "TXT":
        return TXT([value[start : start + 255].encode() for start in range(0, len(value), 255)] or [b""])
    return _MAKE[kind](value)
