"""Who holds a session cookie or an access token: the answer of this feature to `ports.identity`."""

from canonry.core.access import Actor, Credential, Role, granted
from canonry.core.clock import now
from canonry.core.errors import Denied, Unauthenticated
from canonry.core.secret import Secret
from canonry.features.auth import store
from canonry.features.auth.grants import store as grants
from canonry.features.auth.models import Holder, Session
from canonry.features.auth.rules import ACCESS_PREFIX, TOUCH_EVERY, digest
from canonry.infra.tx import Transactions, Tx
from canonry.ports.sign_in_provider import SignInProvider


class SessionIdentity:
    """Answers `authenticate_session` with one query (and, once a minute, a second one that notes the use)."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def authenticate_session(self, secret: Secret, organization: str = "") -> Actor | None:
        """Return who holds this session cookie, None when it is unknown, expired or revoked.

        Raises: Denied `account_deactivated`.
        """
        with self._transactions.reading() as tx:
            found = store.holder(tx, digest(secret.reveal()), organization.replace("\0", ""))
        if found is None:
            return None
        if now() - found.last_used_at > TOUCH_EVERY:
            with self._transactions.begin() as tx:
                store.touch(tx, found.session_id)
        return actor_of(found, Credential.SESSION)


class AccessTokenIdentity:
    """Answers `authenticate` for the access tokens of sessions, likewise."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this access token, None when it is unknown, expired or revoked. Raises: Denied `account_deactivated`."""
        value = credential.reveal()
        if not value.startswith(ACCESS_PREFIX):
            return None
        with self._transactions.reading() as tx:
            found = grants.holder(tx, digest(value))
        if found is None:
            return None
        if now() - found.last_used_at > TOUCH_EVERY:
            with self._transactions.begin() as tx:
                store.touch(tx, found.session_id)
        return actor_of(found, Credential.ACCESS_TOKEN)


class ProviderTokenIdentity:
    """Answers `authenticate` for the identity provider's own access tokens: of people who have signed in through it at least once."""

    def __init__(self, transactions: Transactions, provider: SignInProvider) -> None:
        self._transactions = transactions
        self._provider = provider

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return whom this token speaks for, in the organization they joined first. Raises: Denied `account_deactivated`."""
        person = self._provider.identify(credential)
        if person is None or "\0" in person.subject:
            return None
        with self._transactions.begin() as tx:
            found = store.holder_by_identity(tx, person.issuer, person.subject)
        return None if found is None else actor_of(found, Credential.ACCESS_TOKEN)


def actor_of(found: Holder, credential: Credential) -> Actor:
    """Return the actor behind a session: they may do what their role allows, and nothing without an organization.

    Raises: Denied `account_deactivated`.
    """
    if found.deactivated_at is not None:
        raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
    role = Role(found.role or Role.VIEWER)
    return Actor(
        user_id=found.user_id, organization_id=found.organization_id or "", organization_handle=found.handle or "",
        permissions=granted(role, operator=found.is_operator) if found.role else frozenset(), role=role,
        credential=credential, credential_id=found.session_id,
    )  # fmt: skip


def actor_in(tx: Tx, session: Session) -> Actor:
    """Return the actor behind a session that has just begun or changed. Raises: Unauthenticated `invalid_session` when it has ended."""
    found = store.holder_of(tx, session.id)
    if found is None:
        raise Unauthenticated("invalid_session", "This session has expired or was ended.", hint="Sign in again.")
    return actor_of(found, Credential.SESSION)
