"""The two cookies: the session's own, which JavaScript never sees, and the refresh token's, which goes to /auth only."""

from datetime import timedelta

from fastapi import Request, Response

SESSION_COOKIE = "canonry_session"
REFRESH_COOKIE = "sw_refresh"
LIFETIME = timedelta(days=30)
_PATHS = {SESSION_COOKIE: "/", REFRESH_COOKIE: "/auth"}


def cookie_of(request: Request, name: str) -> str:
    """Return the value of a cookie, empty when there is none, or when there are several that differ.

    A site on a sub-domain (any project) may set cookies for our host; such a one must never take the place of ours.
    """
    pairs = [part.strip().partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    values = {value.strip() for key, _, value in pairs if key == name}
    return values.pop() if len(values) == 1 else ""


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Give the browser one of our cookies, or a new value of it: only over HTTPS when that is how we were asked."""
    response.set_cookie(
        name, value, max_age=int(LIFETIME.total_seconds()), path=_PATHS[name], httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def clear_cookies(request: Request, response: Response) -> None:
    """Make the browser forget both cookies."""
    for name, path in _PATHS.items():
        response.delete_cookie(name, path=path, httponly=True, samesite="lax", secure=request.url.scheme == "https")


def set_flow_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Give the browser a cookie for the time it is away at another site; it is sent again when it comes back to /auth."""
    response.set_cookie(
        name, value, max_age=seconds, path="/auth", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )  # fmt: skip


def clear_flow_cookie(request: Request, response: Response, name: str) -> None:
    """Make the browser forget it."""
    response.delete_cookie(name, path="/auth", httponly=True, samesite="lax", secure=request.url.scheme == "https")
