"""Use cases around keys (`sw_`): they belong to a person and an organization, and hold permissions one by one."""

import base64
import secrets
from collections.abc import Sequence

from canonry.core.access import Actor, Permission, require, require_unbound
from canonry.core.errors import NotFound
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.tokens.events import KeyCreated, KeyRevoked
from canonry.features.tokens.models import Key
from canonry.features.tokens.rules import checked_scopes, digest, end_of
from canonry.features.tokens.service import parent_end
from canonry.features.tokens.store import keys as store
from canonry.infra.tx import Tx

PREFIX = "sw_"
_SHOWN = 9


def mint(tx: Tx, actor: Actor, *, label: str, scopes: list[str], expires_in_days: int | None) -> tuple[Key, Secret]:
    """Make a key for the caller in their organization. Returns the row and the value, which is shown this once.

    Raises: Denied `insufficient_scope`, `scope_not_held`, `expiry_not_held`, `email_not_verified`; Invalid `unknown_scope`.
    """
    _require(actor)
    accounts.require_verified(tx, actor.user_id)
    chosen = checked_scopes(actor, scopes)
    value = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    key = store.insert(
        tx, organization_id=actor.organization_id, user_id=actor.user_id, label=label, prefix=value[:_SHOWN], sha256=digest(value),
        scopes=[str(scope) for scope in chosen], expires_at=end_of(None, expires_in_days, parent=parent_end(tx, actor)),
    )  # fmt: skip
    tx.emit(KeyCreated(actor.organization_id, str(key.id)), after={
        "label": label, "scopes": list(key.scopes), "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    })  # fmt: skip
    return key, Secret(value)


def list_own(tx: Tx, actor: Actor) -> Sequence[Key]:
    """Return the caller's keys in their organization, newest first. Raises: Denied `insufficient_scope`."""
    _require(actor)
    return store.of_user(tx, actor.organization_id, actor.user_id)


def revoke(tx: Tx, actor: Actor, key_id: int) -> None:
    """Refuse one of the caller's keys from the next request on. Raises: Denied `insufficient_scope`; NotFound `key_not_found`."""
    _require(actor)
    label = store.revoke(tx, actor.organization_id, actor.user_id, key_id)
    if label is None:
        raise NotFound("key_not_found", f"You have no key {key_id} here.", hint="It may be revoked already.")
    tx.emit(KeyRevoked(actor.organization_id, str(key_id)), before={"label": label})


def _require(actor: Actor) -> None:
    require(actor, Permission.SPECS_ADMIN)
    require_unbound(actor)
