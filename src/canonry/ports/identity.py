"""Who is calling? Asked by http, answered by tokens (and later by auth)."""

from typing import Protocol

from canonry.core.access import Actor
from canonry.core.secret import Secret


class Identity(Protocol):
    """Turns a credential into an actor."""

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this credential, None when it is unknown, expired or revoked. Takes the same time either way.

        Raises: Denied `account_deactivated` when its holder may not act any more.
        """
        ...
