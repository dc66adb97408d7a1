"""HTTP for tokens and keys."""

from typing import Annotated

from fastapi import Path

from canonry.core.access import Permission
from canonry.features.tokens import keys, service
from canonry.features.tokens.schemas import (
    CreateKey,
    CreateToken,
    Done,
    KeysAnswer,
    NewKeyAnswer,
    NewTokenAnswer,
    TokensAnswer,
    key_body,
    token_body,
)
from canonry.http.deps import ActorDep, OrgActorDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["API tokens"])
key_router = Routes(tags=["Settings"])


@router.operation("POST", "/tokens", SIGNED_IN, status_code=201, errors=(404,))
def create_token(body: CreateToken, actor: ActorDep, tx: TxDep) -> NewTokenAnswer:
    """Make a token; its value is shown this once. It takes a session or a token of scope admin."""
    token, value = service.mint(tx, actor, name=body.name, scope=body.scope, project=body.project, expires_at=body.expires_at,
                                expires_in_days=body.expires_in_days)  # fmt: skip
    return NewTokenAnswer(**token_body(token).model_dump(), token=value.reveal())


@router.operation("GET", "/tokens", Permission.PROJECTS_READ)
def list_tokens(page: PageDep, actor: ActorDep, tx: TxDep) -> TokensAnswer:
    """List your tokens, newest first; who manages the organization sees everybody's. No value is shown."""
    rows, cursor = service.page(tx, actor, page)
    return TokensAnswer(tokens=[token_body(row) for row in rows], next_cursor=cursor)


@router.operation("DELETE", "/tokens/{token}", Permission.PROJECTS_READ, status_code=204)
def revoke_token(token: str, actor: ActorDep, tx: TxDep) -> None:
    """Revoke a token: the very next request with it is refused. It takes a session or a token of scope admin."""
    service.revoke(tx, actor, token)


@key_router.operation("GET", "/app/{org}/settings/api-keys/", Permission.SPECS_ADMIN)
def list_keys(org: str, actor: OrgActorDep, tx: TxDep) -> KeysAnswer:
    """List your keys in this organization. No value is shown."""
    del org
    return KeysAnswer(keys=[key_body(key) for key in keys.list_own(tx, actor)])


@key_router.operation("POST", "/app/{org}/settings/api-keys/", Permission.SPECS_ADMIN, status_code=201, errors=(422,))
def create_key(org: str, body: CreateKey, actor: OrgActorDep, tx: TxDep) -> NewKeyAnswer:
    """Make a key for yourself in this organization; its value is shown this once."""
    del org
    key, value = keys.mint(tx, actor, label=body.label, scopes=body.scopes, expires_in_days=body.expires_in_days)
    return NewKeyAnswer(**key_body(key).model_dump(), key=value.reveal())


@key_router.operation("DELETE", "/app/{org}/settings/api-keys/{key_id}", Permission.SPECS_ADMIN, errors=(422,))
def revoke_key(org: str, key_id: Annotated[int, Path(ge=1, le=2**63 - 1)], actor: OrgActorDep, tx: TxDep) -> Done:
    """Revoke one of your keys: the very next request with it is refused."""
    del org
    keys.revoke(tx, actor, key_id)
    return Done()
