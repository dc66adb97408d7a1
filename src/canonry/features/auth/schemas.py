"""Shapes of requests and answers about sessions."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from canonry.core.access import Actor
from canonry.features.accounts import User
from canonry.features.auth.models import Session

Line = Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00]*$")]


class SignIn(BaseModel):
    """Body of POST /v1/auth/session. code: of the authenticator app, or a recovery code, for who has a second factor."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse"}]})
    email: Line
    password: SecretStr = Field(max_length=1000)
    code: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] | None = None


class Switch(BaseModel):
    """Body of POST /v1/auth/organization. organization: its handle."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"organization": "analytics"}]})
    organization: Line


class PersonBody(BaseModel):
    """A person."""

    id: str
    email: str
    name: str


class PlaceBody(BaseModel):
    """The organization a session acts in, and what its user is there."""

    id: str
    handle: str
    role: str


class SessionAnswer(BaseModel):
    """The session of the caller. csrf_token: to be sent as X-CSRF-Token with every request that changes something."""

    id: str
    user: PersonBody
    organization: PlaceBody | None = Field(description="null for somebody who is in no organization")
    permissions: list[str]
    expires_at: datetime
    csrf_token: str


class SessionBody(BaseModel):
    """One place where somebody is signed in."""

    id: str
    label: str = Field(description="browser or cli")
    current: bool = Field(description="the one that asks")
    address: str
    client: str = Field(description="how the program named itself")
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class SessionsAnswer(BaseModel):
    """Where the caller is signed in, the newest first."""

    sessions: list[SessionBody]
    next_cursor: str | None


def answer_of(session: Session, actor: Actor, user: User, csrf: str) -> SessionAnswer:
    """Return a session as its own user sees it."""
    place = PlaceBody(id=actor.organization_id, handle=actor.organization_handle, role=actor.role) if actor.organization_id else None
    return SessionAnswer(
        id=session.id, user=PersonBody(id=user.id, email=user.email, name=user.name), organization=place,
        permissions=sorted(map(str, actor.permissions)), expires_at=session.expires_at, csrf_token=csrf,
    )  # fmt: skip


def body_of(session: Session, actor: Actor) -> SessionBody:
    """Return a session as one of a list."""
    return SessionBody(
        id=session.id, label=session.label, current=session.id == actor.credential_id, address=session.address, client=session.client,
        created_at=session.created_at, last_used_at=session.last_used_at, expires_at=session.expires_at,
    )  # fmt: skip
