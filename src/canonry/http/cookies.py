"""Our cookies: the session's own, which JavaScript never sees, the refresh token's, and those of a sign-in over another site.

Projects are served on sub-domains of ours, and a sub-domain may set cookies for its parent. Over HTTPS ours therefore begin with `__Host-`:
browsers take such a name from our very host alone, and only over HTTPS. Over plain HTTP nothing of the kind exists; there a cookie
of which two differ is not believed, and who is not signed in may be given somebody else's (docs/guides/sign-in.md).
"""

from datetime import timedelta

from fastapi import Request, Response

from canonry.ports.identity import SESSION_PREFIX

SESSION_COOKIE = "canonry_session"
REFRESH_COOKIE = "sw_refresh"
LIFETIME = timedelta(days=30)
_HOST = "__Host-"
_PATHS = {SESSION_COOKIE: "/", REFRESH_COOKIE: "/auth"}
_FLOW_PATH = "/auth"


def cookie_of(request: Request, name: str) -> str:
    """Return the value of a cookie of ours, empty when there is none, or when there are several that differ."""
    if not _is_secure(request):
        return _only(request, name)
    if value := _only(request, f"{_HOST}{name}"):
        return value
    old = _only(request, name) if name == SESSION_COOKIE else ""
    return "" if old.startswith(SESSION_PREFIX) else old


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Give the browser one of our cookies, or a new value of it: only over HTTPS when that is how we were asked."""
    _set(request, response, name, value, _PATHS[name], int(LIFETIME.total_seconds()))
    if _is_secure(request):
        response.delete_cookie(name, path=_PATHS[name], httponly=True, samesite="lax", secure=True)  # the one of before


def clear_cookies(request: Request, response: Response) -> None:
    """Make the browser forget both cookies."""
    for name, path in _PATHS.items():
        response.delete_cookie(name, path=path, httponly=True, samesite="lax", secure=_is_secure(request))
        if _is_secure(request):
            response.delete_cookie(f"{_HOST}{name}", path="/", httponly=True, samesite="lax", secure=True)


def set_flow_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Give the browser a cookie for the time it is away at another site; it is sent again when it comes back to /auth."""
    _set(request, response, name, value, _FLOW_PATH, seconds)


def clear_flow_cookie(request: Request, response: Response, name: str) -> None:
    """Make the browser forget it."""
    secure = _is_secure(request)
    shown, path = (f"{_HOST}{name}", "/") if secure else (name, _FLOW_PATH)
    response.delete_cookie(shown, path=path, httponly=True, samesite="lax", secure=secure)


def _set(request: Request, response: Response, name: str, value: str, path: str, seconds: int) -> None:
    secure = _is_secure(request)
    shown, place = (f"{_HOST}{name}", "/") if secure else (name, path)  # a name with __Host- demands the path /
    response.set_cookie(shown, value, max_age=seconds, path=place, httponly=True, samesite="lax", secure=secure)


def _only(request: Request, name: str) -> str:
    pairs = [part.strip().partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    values = {value.strip() for key, _, value in pairs if key == name}
    return values.pop() if len(values) == 1 else ""


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
