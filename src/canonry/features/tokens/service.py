"""Making API tokens, and finding out who holds one."""

import hashlib
import secrets
from datetime import timedelta

from canonry.core.access import PERMISSIONS, ROLE_PERMISSIONS, Actor, Credential, Role, Scope
from canonry.core.clock import now
from canonry.core.ids import new_id
from canonry.core.secret import Secret
from canonry.features.tokens import store
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
        """Return who holds this credential, None when it is unknown, expired or revoked."""
        value = credential.reveal()
        if not value.startswith(_PREFIX):
            return None
        with self._transactions.begin() as tx:
            found = store.holder(tx, _digest(value))
            if found is None:
                return None
            if found.last_used_at is None or now() - found.last_used_at > _TOUCH_EVERY:
                store.touch(tx, found.token_id)
        return Actor(
            user_id=found.user_id, organization_id=found.organization_id, organization_handle=found.handle,
            permissions=PERMISSIONS[Scope(found.scope)] & ROLE_PERMISSIONS[Role(found.role)], project_id=found.project_id,
            role=Role(found.role), credential=Credential.TOKEN, credential_id=found.token_id,
        )  # fmt: skip


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
