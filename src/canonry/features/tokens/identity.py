"""Who holds a token or a key: the answer of this feature to `ports.identity`. One query each, and seldom a second one."""

from functools import lru_cache

from canonry.core.access import PERMISSIONS, Actor, Credential, Permission, Role, Scope, granted
from canonry.core.errors import Denied
from canonry.core.secret import Secret
from canonry.features.tokens.keys import PREFIX as KEY_PREFIX
from canonry.features.tokens.models import KeyHolder, TokenHolder
from canonry.features.tokens.rules import digest
from canonry.features.tokens.service import PREFIX as TOKEN_PREFIX
from canonry.features.tokens.store import keys, tokens
from canonry.infra.tx import Transactions


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
        _require_active(found)
        if found.is_to_be_noted:
            with self._transactions.begin() as tx:
                tokens.touch(tx, found.token_id)
        return _actor_by_token(found)

    def _holder_of_key(self, sha256: bytes) -> Actor | None:
        with self._transactions.reading() as tx:
            found = keys.holder(tx, sha256)
        if found is None:
            return None
        _require_active(found)
        if found.is_to_be_noted:
            with self._transactions.begin() as tx:
                keys.touch(tx, found.key_id)
        return _actor_by_key(found)


# Who holds a credential is asked for each request; the same answer makes the same actor.


@lru_cache(maxsize=512)
def _actor_by_token(found: TokenHolder) -> Actor:
    return Actor(
        user_id=found.user_id, organization_id=found.organization_id, organization_handle=found.handle,
        permissions=_permissions(found), project_id=found.project_id, role=Role(found.role),
        credential=Credential.TOKEN, credential_id=found.token_id, scope=Scope(found.scope),
    )  # fmt: skip


@lru_cache(maxsize=512)
def _actor_by_key(found: KeyHolder) -> Actor:
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


def _require_active(holder: TokenHolder | KeyHolder) -> None:
    if holder.is_deactivated:
        raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
