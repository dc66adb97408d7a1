"""Mail that Canonry sends to people."""

from typing import Protocol

from canonry.core.mail import Mail


class Mailer(Protocol):
    """Sends mail. Called from jobs only, never from a request."""

    def send(self, mail: Mail) -> None:
        """Hand the message over for delivery; it may arrive twice when the same call is repeated.

        Raises: Unavailable `mail_unavailable` when it may succeed later, Invalid `mail_refused` when it never will.
        """
        ...
