"""The domain name system, as far as it tells whose a name is and where it leads."""

from dataclasses import dataclass
from typing import Literal, Protocol

Fault = Literal["", "no_such_name", "no_record", "server_failure", "timeout"]


@dataclass(frozen=True)
class DnsAnswer:
    """What was found for one name and type.

    values: the records, sorted; texts joined from their parts, names in lower case without the last dot.
    aliases: the names that CNAMEs led to on the way, in order. fault: why there are no values; empty when there are some.
    """

    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fault: Fault = ""

    @property
    def is_known(self) -> bool:
        """True when this is what the name's owner says, and not that somebody did not answer."""
        return self.fault not in {"server_failure", "timeout"}


class Dns(Protocol):
    """Asks for records. Nothing is kept: each call asks anew. Takes a few seconds at most, and raises nothing."""

    def texts(self, name: str) -> DnsAnswer:
        """Return the TXT records at `name`."""
        ...

    def addresses(self, name: str) -> DnsAnswer:
        """Return the A and AAAA records at `name`, through CNAMEs. One kind that is missing does no harm."""
        ...

    def authorities(self, name: str) -> DnsAnswer:
        """Return the CAA records that hold for `name` as `issue letsencrypt.org`: its own, else those of the nearest name above."""
        ...
