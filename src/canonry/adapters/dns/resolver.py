"""The port dns over real DNS. dnspython, which takes half a second and 20 MB, is loaded at the first question."""

from functools import cached_property
from typing import TYPE_CHECKING

from canonry.ports.dns import DnsAnswer

if TYPE_CHECKING:
    from canonry.adapters.dns.queries import Queries


class DnsResolver:
    """Asks for records. resolver: `host:port` of the one to ask; empty: the servers that are responsible for a name.

    allow_private: those may have private addresses. finder: `host:port` of the resolver that finds them instead of the system's;
    authority_port: on which they listen.
    """

    def __init__(self, resolver: str = "", *, allow_private: bool = False, authority_port: int = 53, finder: str = "") -> None:
        self._resolver, self._finder = resolver, finder
        self._allow_private, self._authority_port = allow_private, authority_port

    def texts(self, name: str) -> DnsAnswer:
        """Return the TXT records at `name`."""
        return self._queries.texts(name)

    def addresses(self, name: str) -> DnsAnswer:
        """Return the A and AAAA records at `name`, through CNAMEs."""
        return self._queries.addresses(name)

    def authorities(self, name: str) -> DnsAnswer:
        """Return the CAA records that hold for `name`."""
        return self._queries.authorities(name)

    @cached_property
    def _queries(self) -> "Queries":
        from canonry.adapters.dns.queries import Queries  # noqa: PLC0415 -- see above

        return Queries(self._resolver, allow_private=self._allow_private, authority_port=self._authority_port, finder=self._finder)
