"""Shapes of requests and answers about tokens and keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.core.access import Scope
from canonry.features.tokens.models import Key, Token

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CreateToken(BaseModel):
    """Body of POST /v1/tokens."""

    model_config = ConfigDict(extra="forbid")
    name: Name = Field(examples=["ci"])
    scope: Scope = Scope.DEPLOY
    project: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None, description="slug or id of the one project it is for"
    )
    expires_at: datetime | None = Field(None, description="with a time zone; never when absent")
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class TokenBody(BaseModel):
    """A token as it is listed; its value is shown only once, when it is made."""

    id: str
    name: str
    prefix: str = Field(description="how its value begins", examples=["cnr_a1b2c3"])
    scope: Scope
    project: str | None = Field(description="the slug of the project it is bound to")
    project_id: str | None
    owner: str = Field(description="the e-mail address of who made it")
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class NewTokenAnswer(TokenBody):
    """A token that was just made."""

    token: str = Field(description="its value, shown this once", examples=["cnr_…"])


class TokensAnswer(BaseModel):
    """One page of tokens."""

    tokens: list[TokenBody]
    next_cursor: str | None = None


class CreateKey(BaseModel):
    """Body of POST /app/{org}/settings/api-keys/."""

    label: Label = ""
    scopes: Annotated[list[Annotated[str, StringConstraints(max_length=50)]], Field(min_length=1, max_length=10)] = ["specs:read"]
    expires_in_days: Annotated[int, Field(ge=1, le=365)] | None = None


class KeyBody(BaseModel):
    """A key as it is listed; its value is shown only once, when it is made."""

    id: int
    label: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewKeyAnswer(KeyBody):
    """A key that was just made."""

    key: str = Field(description="its value, shown this once", examples=["sw_…"])


class KeysAnswer(BaseModel):
    """The caller's keys in the organization."""

    keys: list[KeyBody]


class Done(BaseModel):
    """It is done."""

    ok: Literal[True] = True


def token_body(token: Token) -> TokenBody:
    """Return a token as the API lists it."""
    return TokenBody(
        id=token.id, name=token.name, prefix=token.prefix, scope=Scope(token.scope), project=token.project, project_id=token.project_id,
        owner=token.email, created_at=token.created_at.isoformat(), last_used_at=_iso(token.last_used_at),
        expires_at=_iso(token.expires_at),
    )  # fmt: skip


def key_body(key: Key) -> KeyBody:
    """Return a key as the API lists it."""
    return KeyBody(
        id=key.id, label=key.label, prefix=key.prefix, scopes=list(key.scopes), created_at=key.created_at.isoformat(),
        expires_at=_iso(key.expires_at), last_used_at=_iso(key.last_used_at),
    )  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
