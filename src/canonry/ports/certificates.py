"""Certificates: for which names the edge may obtain one, and how they stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Certificate:
    """A certificate that the edge has. issuer: the name of who made it."""

    expires_at: datetime
    issuer: str


class Certificates(Protocol):
    """The certificates of the edge. Names that are not permitted get none, whoever asks for them and however often.

    Canonry's own names and those of its projects are permitted without a call of this port; it is about custom domains.
    """

    def obtain(self, host: str) -> Certificate:
        """Permit the name, and return its certificate, obtained now when there is none yet; may take a minute or two.

        When that fails the name is permitted no more, so that nobody's visits can make the edge try again and again: certificate
        authorities lock out who does. Raises: Unavailable `certificate_failed`, saying why.
        """
        ...

    def find(self, host: str) -> Certificate | None:
        """Return the certificate the edge would show for the name, None when it has none; asks nobody outside."""
        ...

    def forbid(self, host: str) -> None:
        """Permit the name no more: visitors are not sent to HTTPS, and nothing is obtained or renewed. Twice is no error."""
        ...

    def permitted(self) -> list[str]:
        """Return the permitted names, sorted."""
        ...
