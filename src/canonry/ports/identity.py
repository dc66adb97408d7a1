"""Who is calling? Asked by http, answered by tokens and auth."""

from typing import Protocol

from canonry.core.access import Actor
from canonry.core.secret import Secret

SESSION_PREFIX = "cns_"
"""What the secrets of browsers' sessions begin with. Those of before have none; http/cookies.py takes them without `__Host-` over HTTPS."""


class Identity(Protocol):
    """Turns a credential into an actor."""

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this bearer credential, None when it is unknown, expired or revoked. Takes the same time either way.

        Raises: Denied `account_deactivated` when its holder may not act any more.
        """
        ...

    def authenticate_session(self, secret: Secret, organization: str = "") -> Actor | None:
        """Return who holds this session cookie, None when it is unknown, expired or revoked.

        organization: a handle, in any letter case; the session acts there if its user is a member, else in the session's own organization.
        An actor without any organization has an empty one and no permission. Raises: as above.
        """
        ...
