"""Use cases around tokens (`cnr_`)."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from canonry.core.access import Actor, Credential, Permission, Scope, require_person
from canonry.core.errors import Denied, NotFound
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.tokens.events import TokenCreated, TokenRevoked
from canonry.features.tokens.models import NewToken, Token
from canonry.features.tokens.rules import digest, end_of, require_held
from canonry.features.tokens.store import keys as key_store
from canonry.features.tokens.store import tokens as store
from canonry.infra.tx import Tx

PREFIX = "cnr_"
_SHOWN = 10


def create_token(tx: Tx, *, organization_id: str, user_id: str, name: str, scope: Scope) -> Secret:
    """Make a token for whoever has the machine itself. Returns its value, which is shown this once and kept only as a SHA-256."""
    return _insert(tx, NewToken(organization_id, user_id, name, scope))[1]


def mint(
    tx: Tx, actor: Actor, *, name: str, scope: Scope, project: str | None, expires_at: datetime | None, expires_in_days: int | None
) -> tuple[Token, Secret]:  # fmt: skip
    """Make a token for the caller, in the organization they act in. Returns the row and the value, which is shown this once.

    project: slug or id of the one it is bound to. It is never wider than the caller and never outlives the token it is made with.
    Raises: Denied `insufficient_scope`, `scope_not_held`, `expiry_not_held`, `email_not_verified`; Invalid `invalid_expiry`;
    NotFound `project_not_found`.
    """
    require_person(actor, bound=True)
    require_held(actor, scope)
    accounts.require_verified(tx, actor.user_id)
    project_id = _project_id(tx, actor, project)
    end = end_of(expires_at, expires_in_days, parent=parent_end(tx, actor))
    token_id, value = _insert(tx, NewToken(actor.organization_id, actor.user_id, name, scope, project_id, end))
    return _find(tx, actor.organization_id, token_id), value


def page(tx: Tx, actor: Actor, wanted: Page) -> tuple[Sequence[Token], str | None]:
    """Return one page of the caller's tokens in their organization, newest first; of everybody's for who manages it."""
    everybody = Permission.ORG_MANAGE in actor.permissions and actor.project_id is None
    rows = store.page(tx, actor.organization_id, wanted, user_id=None if everybody else actor.user_id, project_id=actor.project_id)
    return cut(rows, wanted)


def revoke(tx: Tx, actor: Actor, token_id: str) -> None:
    """Refuse a token from the next request on: one's own, or any of the organization for who manages it.

    Raises: Denied `insufficient_scope`; NotFound `token_not_found`.
    """
    require_person(actor, bound=True)
    found = _find(tx, actor.organization_id, token_id)
    mine = found.user_id == actor.user_id or Permission.ORG_MANAGE in actor.permissions
    if not mine or actor.project_id not in {None, found.project_id} or not store.revoke(tx, token_id):
        raise _unknown(token_id)
    tx.emit(TokenRevoked(actor.organization_id, token_id), before={"name": found.name, "scope": found.scope, "owner": found.user_id})


def parent_end(tx: Tx, actor: Actor) -> datetime | None:
    """Return when the credential of the caller ends, None for never and for sessions."""
    if actor.credential is Credential.TOKEN:
        return store.expires_at(tx, actor.credential_id)
    return key_store.expires_at(tx, int(actor.credential_id)) if actor.credential is Credential.KEY else None


def _insert(tx: Tx, new: NewToken) -> tuple[str, Secret]:
    token_id, value = new_id("tok"), PREFIX + secrets.token_hex(24)
    store.insert(tx, token_id, new, prefix=value[:_SHOWN], sha256=digest(value))
    tx.emit(TokenCreated(new.organization_id, token_id), after={
        "name": new.name, "scope": new.scope, "project_id": new.project_id, "owner": new.user_id,
        "expires_at": new.expires_at.isoformat() if new.expires_at else None,
    })  # fmt: skip
    return token_id, Secret(value)


def _project_id(tx: Tx, actor: Actor, project: str | None) -> str | None:
    if project is None:
        if actor.project_id is not None:
            raise Denied("scope_not_held", "Your token is bound to one project, so what it makes must be bound to it too.",
                         hint="Name the project, or use a token that is bound to none.")  # fmt: skip
        return None
    found = None if "\0" in project else store.project_id(tx, actor.organization_id, project)
    if found is None or actor.project_id not in {None, found}:
        raise NotFound("project_not_found", f"There is no project {project!r}.", hint="`canonry projects ls` lists yours.")
    return found


def _find(tx: Tx, organization_id: str, token_id: str) -> Token:
    found = None if "\0" in token_id else store.find(tx, organization_id, token_id)
    if found is None:
        raise _unknown(token_id)
    return found


def _unknown(token_id: str) -> NotFound:
    return NotFound("token_not_found", f"There is no token {token_id!r}.", hint="`canonry tokens ls` lists them.")
