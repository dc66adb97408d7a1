"""Making API tokens, and finding out who holds one."""

import hashlib
import secrets
from datetime import timedelta

from canonry.core.access import PERMISSIONS, Actor, Credential, Permission, Role, Scope, granted
from canonry.core.clock import now
from canonry.core.errors import Denied
from canonry.core.ids import new_id
from canonry.core.secret import Secret
from canonry.features.tokens import store
from canonry.features.tokens.models import TokenHolder
from canonry.infra.tx import Transactions, Tx

_PREFIX = "cnr_"
_SHOWN = 10
_TOUCH_EVERY = timedelta(minutes=1)  # last_used_at is for people: one write a minute, not one a request


def create_token(tx: Tx, *, organization_id: str, user_id: str, name: str, scope: Scope) -> Secret:
    """Make a token and return its value, which is shown this once and kept only as a SHA-256."""
    value = _PREFIX + secrets.token_hex(24)
    store.insert(
        tx, token_id=new_id("tok"), organization_id=organization_id, user_id=user_id, name=name,
        prefix=value[:_SHOWN], sha256=_digest(value), scope=scope.value,
    )  # fmt: skip
    return Secret(value)


class TokenIdentity:
    """Answers `ports.identity`: who holds a `cnr_` token."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this credential, None when it is unknown, expired or revoked.

        Raises: Denied `account_deactivated`.
        """
        value = credential.reveal()
        if not value.startswith(_PREFIX):
            return None
        with self._transactions.begin() as tx:
            found = store.holder(tx, _digest(value))
            if found is None:
                return None
            if found.deactivated_at is not None:
                raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
            if found.last_used_at is None or now() - found.last_used_at > _TOUCH_EVERY:
                store.touch(tx, found.token_id)
        return Actor(
            user_id=found.user_id, organization_id=found.organization_id, organization_handle=found.handle,
            permissions=_permissions(found), project_id=found.project_id,
            role=Role(found.role), credential=Credential.TOKEN, credential_id=found.token_id,
        )  # fmt: skip


def _permissions(holder: TokenHolder) -> frozenset[Permission]:
    """An operator's token of scope admin may run this Canonry too, unless it is bound to a project."""
    scope = PERMISSIONS[Scope(holder.scope)]
    if holder.scope == Scope.ADMIN and holder.project_id is None:
        scope |= {Permission.PLATFORM_MANAGE}
    return scope & granted(Role(holder.role), operator=holder.is_operator)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
