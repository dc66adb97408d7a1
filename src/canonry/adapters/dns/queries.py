"""The questions that `resolver.py` asks, by dnspython.

With a configured resolver that one is asked, and nobody else. Without, the system's resolver only says which servers are responsible for a
name, and those are asked: a resolver would go on saying "there is no such record" for minutes after the owner has made it.
"""

import contextlib
import time
from collections.abc import Sequence

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from dns.message import Message
from dns.name import Name

from canonry.infra.outbound import is_public
from canonry.ports.dns import DnsAnswer, Fault

_SECONDS = 5.0  # for one look-up with everything it needs
_TRY = 1.5  # for one question to one server
_MOST_ALIASES = 8
_MOST_SERVERS = 4
_BYTES = 1232  # of an answer by UDP; longer ones come by TCP

type _Servers = list[tuple[str, int]]


class Queries:
    """The port over real DNS. What the arguments mean stands in `resolver.py`."""

    def __init__(self, resolver: str, *, allow_private: bool, authority_port: int, finder: str) -> None:
        self._servers = [_split(resolver)] if resolver else []
        self._finder = _split(finder) if finder else None
        self._allow_private, self._authority_port = allow_private, authority_port

    def texts(self, name: str) -> DnsAnswer:
        """Return the TXT records at `name`."""
        return self._ask(name, "TXT", time.monotonic() + _SECONDS)

    def addresses(self, name: str) -> DnsAnswer:
        """Return the A and AAAA records at `name`, through CNAMEs."""
        deadline = time.monotonic() + _SECONDS
        answers = [self._ask(name, kind, deadline) for kind in ("A", "AAAA")]
        values = sorted({value for answer in answers for value in answer.values})
        faults = [answer.fault for answer in answers if answer.fault]
        aliases = max((answer.aliases for answer in answers), key=len)
        return DnsAnswer(tuple(values), aliases, "" if values else _worst(faults))

    def authorities(self, name: str) -> DnsAnswer:
        """Return the CAA records that hold for `name` (RFC 8659: its own, else those of the nearest name above it)."""
        deadline = time.monotonic() + _SECONDS
        labels = name.split(".")
        for depth in range(len(labels)):
            found = self._ask(".".join(labels[depth:]), "CAA", deadline)
            if found.values or not found.is_known:
                return found
        return DnsAnswer(fault="no_record")

    def _ask(self, name: str, kind: str, deadline: float) -> DnsAnswer:
        """Ask, following CNAMEs, across zones too."""
        aliases: list[str] = []
        try:
            wanted = dns.name.from_text(name)
            while len(aliases) <= _MOST_ALIASES:
                answer = self._query(wanted, kind, deadline)
                if isinstance(answer, str):
                    return DnsAnswer((), tuple(aliases), answer)
                values, chain, fault = _read(answer, wanted, kind)
                aliases += [_plain(link) for link in chain]
                if values or not chain:
                    return DnsAnswer(values, tuple(aliases), fault)
                wanted = chain[-1]  # an alias into another zone: its own servers know more
        except dns.exception.DNSException:  # a name that no DNS can carry, an answer that is none
            return DnsAnswer((), tuple(aliases), "server_failure")
        return DnsAnswer((), tuple(aliases), "server_failure")

    def _query(self, name: Name, kind: str, deadline: float) -> Message | Fault:

        fault: Fault = "timeout"
        # A configured resolver is asked twice, because packets get lost.
        for host, port in self._servers * 2 or self._responsible(name, deadline):
            left = min(_TRY, deadline - time.monotonic())
            if left <= 0:
                return "timeout"
            question = dns.message.make_query(name, kind, use_edns=True, payload=_BYTES)
            try:
                answer, _ = dns.query.udp_with_fallback(question, host, port=port, timeout=left)
            except dns.exception.Timeout:
                continue
            except (dns.exception.DNSException, OSError):
                fault = "server_failure"
                continue
            if answer.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                return answer
            fault = "server_failure"
        return fault

    def _responsible(self, name: Name, deadline: float) -> _Servers:
        """Return the servers that are responsible for the zone of `name`, and the system's own resolver as the last resort."""
        finder = self._system_resolver()
        found: _Servers = []
        with contextlib.suppress(dns.exception.DNSException):
            zone = dns.resolver.zone_for_name(name, resolver=finder, lifetime=max(0.1, deadline - time.monotonic()))
            for server in finder.resolve(zone, "NS", lifetime=max(0.1, deadline - time.monotonic())):
                if len(found) >= _MOST_SERVERS:
                    break
                with contextlib.suppress(dns.exception.DNSException):
                    for address in finder.resolve(server.target, "A", lifetime=max(0.1, deadline - time.monotonic())):
                        # The owner of a zone says where its servers are: not a way to send packets into our own network.
                        if self._allow_private or is_public(address.address):
                            found.append((address.address, self._authority_port))
        return found + [(str(server), finder.port) for server in finder.nameservers]

    def _system_resolver(self) -> dns.resolver.Resolver:

        made = dns.resolver.Resolver(configure=self._finder is None)
        made.cache = None
        made.timeout, made.lifetime = _TRY, _SECONDS
        if self._finder is not None:
            made.nameservers, made.port = [self._finder[0]], self._finder[1]
        return made


def _read(answer: Message, name: Name, kind: str) -> tuple[tuple[str, ...], list[Name], Fault]:
    """Return the values, the names that CNAMEs in this answer lead to, and why there are no values."""
    chain: list[Name] = []
    current = name
    for _ in range(_MOST_ALIASES):
        target = next((record.target for group in answer.answer if group.name == current and group.rdtype == dns.rdatatype.CNAME
                       for record in group), None)  # fmt: skip
        if target is None:
            break
        current = target
        chain.append(current)
    values = [_value(record, kind) for group in answer.answer if group.name == current and group.rdtype == dns.rdatatype.from_text(kind)
              for record in group]  # fmt: skip
    missing: Fault = "no_such_name" if answer.rcode() == dns.rcode.NXDOMAIN else "no_record"
    return tuple(sorted(values)), chain, "" if values else missing


def _value(record: object, kind: str) -> str:
    if kind == "TXT":
        return b"".join(getattr(record, "strings", ())).decode(errors="replace")
    if kind == "CAA":
        return f"{getattr(record, 'tag', b'').decode(errors='replace')} {getattr(record, 'value', b'').decode(errors='replace')}"
    return str(getattr(record, "address", ""))


def _worst(faults: Sequence[Fault]) -> Fault:
    order: tuple[Fault, ...] = ("timeout", "server_failure", "no_record", "no_such_name")
    return next(fault for fault in order if fault in faults)


def _plain(name: Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _split(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)
