"""Who holds a token or a key: the answer of this feature to `ports.identity`. One query each, and seldom a second one."""

from datetime import datetime, timedelta

from canonry.core.access import PERMISSIONS, Actor, Credential, Permission, Role, Scope, granted
from canonry.core.clock import now
from canonry.core.errors import Denied
from canonry.core.secret import Secret
from canonry.features.tokens.keys import PREFIX as KEY_PREFIX
from canonry.features.tokens.models import TokenHolder
from canonry.features.tokens.rules import digest
from canonry.features.tokens.service import PREFIX as TOKEN_PREFIX
from canonry.features.tokens.store import keys, tokens
from canonry.infra.tx import Transactions

# When something was used last is for people: one write a while, not one a request.
_TOUCH_TOKEN = timedelta(minutes=1)
_TOUCH_KEY = timedelta(minutes=5)


class TokenIdentity:
    """Finds the holder of a `cnr_` token or an `sw_` key; leaves every other credential alone."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this credential, None when it is unknown, expired or revoked.

        Raises: Denied `account_deactivated`.
        """
        value = credential.reveal()
        if value.startswith(TOKEN_PREFIX):
            return self._holder_of_token(digest(value))
        if value.startswith(KEY_PREFIX):
            return self._holder_of_key(digest(value))
        return None

    def _holder_of_token(self, sha256: bytes) -> Actor | None:
        with self._transactions.reading() as tx:
            found = tokens.holder(tx, sha256)
        if found is None:
            return None
        _require_active(found.deactivated_at)
        if found.last_used_at is None or now() - found.last_used_at > _TOUCH_TOKEN:
            with self._transactions.begin() as tx:
                tokens.touch(tx, found.token_id)
        return Actor(
            user_id=found.user_id, organization_id=found.organization_id, organization_handle=found.handle,
            permissions=_permissions(found), project_id=found.project_id, role=Role(found.role),
            credential=Credential.TOKEN, credential_id=found.token_id, scope=Scope(found.scope),
        )  # fmt: skip

    def _holder_of_key(self, sha256: bytes) -> Actor | None:
        with self._transactions.reading() as tx:
            found = keys.holder(tx, sha256)
        if found is None:
            return None
        _require_active(found.deactivated_at)
        if found.last_used_at is None or now() - found.last_used_at > _TOUCH_KEY:
            with self._transactions.begin() as tx:
                keys.touch(tx, found.key_id)
        role = Role(found.role)
        return Actor(
            user_id=found.user_id, organization_id=found.organization_id, organization_handle=found.handle,
            permissions=frozenset(map(Permission, found.scopes)) & granted(role, operator=False), role=role,
            credential=Credential.KEY, credential_id=str(found.key_id),
        )  # fmt: skip


def _permissions(holder: TokenHolder) -> frozenset[Permission]:
    """An operator's token of scope admin may run this Canonry too, unless it is bound to a project."""
    scope = PERMISSIONS[Scope(holder.scope)]
    if holder.scope == Scope.ADMIN and holder.project_id is None:
        scope |= {Permission.PLATFORM_MANAGE}
    return scope & granted(Role(holder.role), operator=holder.is_operator)


def _require_active(deactivated_at: datetime | None) -> None:
    if deactivated_at is not None:
        raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
