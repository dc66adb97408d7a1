"""HTTP for refresh tokens: new ones for old ones, and none any more."""

from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, Field, StringConstraints

from canonry.core.errors import Invalid, Issue, Unauthenticated
from canonry.core.secret import Secret
from canonry.features.auth.grants import service
from canonry.http.cookies import REFRESH_COOKIE, clear_cookies, cookie_of, set_cookie
from canonry.http.csrf import require_same_origin
from canonry.http.deps import ServicesDep
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Authentication"])


class RefreshTokenBody(BaseModel):
    """What programs send; browsers send the cookie `sw_refresh`, which wins."""

    refresh_token: Annotated[str, StringConstraints(max_length=1000)] | None = Field(None, examples=["cnf_…"])


class GrantAnswer(BaseModel):
    """New tokens. refresh_token: only for who sent theirs in the body; a browser gets a new cookie instead."""

    access_token: str
    expires_in: int = Field(description="seconds")
    token_type: str = "Bearer"  # noqa: S105 -- the name of a kind
    refresh_token: str | None = None


class DoneAnswer(BaseModel):
    """It is done."""

    ok: bool = True


@router.operation("POST", "/auth/refresh", PUBLIC, errors=(401, 403, 422), response_model_exclude_none=True)
def refresh_tokens(request: Request, response: Response, services: ServicesDep, body: RefreshTokenBody | None = None) -> GrantAnswer:
    """Exchange a refresh token for new tokens. The old one is used up; showing it again ends the session."""
    token, by_cookie = _token_of(request, body)
    if not token:
        raise Unauthenticated(
            "no_refresh_token", "There is no refresh token, neither in the cookie nor in the body.", hint="Sign in again."
        )
    grant = service.refresh(services.transactions, Secret(token))
    if by_cookie:
        set_cookie(request, response, REFRESH_COOKIE, grant.refresh.reveal())
    response.headers["Cache-Control"] = "no-store"
    shown = None if by_cookie else grant.refresh.reveal()
    return GrantAnswer(access_token=grant.access.reveal(), expires_in=grant.expires_in, refresh_token=shown)


@router.operation("POST", "/auth/revoke", PUBLIC, errors=(403, 422))
def revoke_refresh_token(request: Request, response: Response, services: ServicesDep, body: RefreshTokenBody | None = None) -> DoneAnswer:
    """End the session of a refresh token. One that has ended already, or that nobody knows, is answered the same."""
    token, by_cookie = _token_of(request, body)
    if not token:
        raise Invalid("no_refresh_token", "There is no refresh token, neither in the cookie nor in the body.",
                      issues=[Issue("body.refresh_token", "is missing", "missing")])  # fmt: skip
    with services.transactions.begin() as tx:
        service.revoke(tx, Secret(token))
    if by_cookie:
        clear_cookies(request, response)
    return DoneAnswer()


def _token_of(request: Request, body: RefreshTokenBody | None) -> tuple[str, bool]:
    if cookie := cookie_of(request, REFRESH_COOKIE):
        require_same_origin(request)
        return cookie, True
    return (body.refresh_token or "" if body else ""), False
