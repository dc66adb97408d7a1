"""Below `/app/{org}`: the caller acts in the organization that the address names, and pages send strangers to the sign-in."""

from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

from canonry.core.access import Actor
from canonry.core.errors import Denied, NotFound

RESERVED = frozenset({"admin", "api", "no-org", "choose-org", "setup"})
"""Words below /app that are pages of their own; none of them is ever an organization."""

_KEYS = ["settings", "api-keys"]  # answers JSON to everybody
_EDITOR = ("/json", "/new/template")  # likewise, as does everything that is sent to the editor
_HINT = "Switch to it with POST /v1/auth/organization, use a credential of that organization, or ask its owner for an invitation."


def organization_in(path: str) -> str:
    """Return the handle that an address below /app names, empty when it names none."""
    parts = path.split("/", 3)
    word = parts[2] if len(parts) > 2 and parts[:2] == ["", "app"] else ""
    return "" if word.lower() in RESERVED else word


def require_organization(actor: Actor, handle: str) -> None:
    """Return when the actor acts in that organization; letter case does not matter.

    Raises: NotFound `organization_not_found` for a reserved word, Denied `not_your_organization`.
    """
    if handle.lower() in RESERVED:
        raise NotFound("organization_not_found", f"{handle!r} is no organization.")
    if actor.organization_handle.lower() != handle.lower():
        raise Denied("not_your_organization", f"Not authorized for org: {handle}", hint=_HINT)


def is_page(request: Request) -> bool:
    """Say whether a person with a browser waits for the answer, and not a program."""
    path, accept = request.url.path, request.headers.get("accept", "")
    place = path.split("/")[3:5]
    if accept.startswith("application/json") or "authorization" in request.headers or place[:1] == ["api"] or place == _KEYS:
        return False
    if place[:1] == ["editor"] and (request.method != "GET" or place == ["editor", "repos"] or path.endswith(_EDITOR)):
        return False
    return path.startswith("/app/") or (path.startswith("/auth/") and "text/html" in accept)


def to_sign_in(request: Request, *, organization: str = "") -> RedirectResponse:
    """Send a person to the sign-in. organization: where they are no member; else they come back to this page."""
    if organization:
        return RedirectResponse(f"/auth/login?org={quote(organization, safe='')}", 307)
    place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = "?" + urlencode({"next": place}) if request.method == "GET" else ""
    return RedirectResponse(f"/auth/login{query}", 307)
