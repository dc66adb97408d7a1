"""Records in memory, for tests of everything above the port."""

import ipaddress

from canonry.ports.dns import DnsAnswer, Fault

_MOST_ALIASES = 8


class MemoryDns:
    """The port in memory. `records` maps (name, type) to values, `faults` names to what goes wrong with them; change them freely."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.faults: dict[str, Fault] = {}

    def texts(self, name: str) -> DnsAnswer:
        """Return the TXT records at `name`."""
        return self._ask(name, ("TXT",))

    def addresses(self, name: str) -> DnsAnswer:
        """Return the A and AAAA records at `name`, through CNAMEs."""
        found = self._ask(name, ("A", "AAAA"))
        values = sorted({str(ipaddress.ip_address(value)) for value in found.values})
        return DnsAnswer(tuple(values), found.aliases, found.fault)

    def authorities(self, name: str) -> DnsAnswer:
        """Return the CAA records that hold for `name`."""
        labels = name.split(".")
        for depth in range(len(labels)):
            found = self._ask(".".join(labels[depth:]), ("CAA",))
            if found.values or not found.is_known:
                return found
        return DnsAnswer(fault="no_record")

    def _ask(self, name: str, types: tuple[str, ...]) -> DnsAnswer:
        aliases: list[str] = []
        while len(aliases) <= _MOST_ALIASES:
            if fault := self.faults.get(name):
                return DnsAnswer((), tuple(aliases), fault)
            if values := [value for kind in types for value in self.records.get((name, kind), [])]:
                return DnsAnswer(tuple(sorted(values)), tuple(aliases))
            target = self.records.get((name, "CNAME"))
            if not target:
                known = any(owner == name for owner, _ in self.records)
                return DnsAnswer((), tuple(aliases), "no_record" if known else "no_such_name")
            name = target[0].lower().removesuffix(".")
            aliases.append(name)
        return DnsAnswer((), tuple(aliases), "server_failure")
