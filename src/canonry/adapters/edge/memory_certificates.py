"""Certificates in memory, for tests of everything above the port."""

from datetime import timedelta

from canonry.core.clock import now
from canonry.core.errors import Unavailable
from canonry.ports.certificates import Certificate


class MemoryCertificates:
    """The port in memory. `faults` says for which names an authority refuses, and why; `tries` counts what it was asked."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.tries: list[str] = []
        self._have: dict[str, Certificate] = {}
        self._permits: set[str] = set()

    def obtain(self, host: str) -> Certificate:
        """Permit the name, and make it a certificate unless it is one of the faulty ones."""
        if host not in self._have:
            self.tries.append(host)
            if reason := self.faults.get(host):
                self._permits.discard(host)
                raise Unavailable("certificate_failed", f"No certificate for {host}: {reason}")
            self._have[host] = Certificate(now() + timedelta(days=90), "CN=Memory")
        self._permits.add(host)
        return self._have[host]

    def find(self, host: str) -> Certificate | None:
        """Return the certificate of the name."""
        return self._have.get(host)

    def forbid(self, host: str) -> None:
        """Permit the name no more."""
        self._permits.discard(host)

    def permitted(self) -> list[str]:
        """Return the permitted names, sorted."""
        return sorted(self._permits)
