"""Requests that a browser sends with the session cookie because another site made it: told apart and refused.

Projects are served on sub-domains of our own, so to a browser they are the same site as we are: SameSite alone keeps nobody of them out.
"""

import hashlib
import hmac

from fastapi import Request
from starlette.datastructures import UploadFile

from canonry.core.errors import Denied
from canonry.infra.crypto import Vault

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"


def csrf_token(vault: Vault, session_id: str) -> str:
    """Return the token that goes with a session: nobody can make it who has only the session's id, and another session has another."""
    return hmac.new(vault.key_for("csrf"), session_id.encode(), hashlib.sha256).hexdigest()


def require_same_origin(request: Request) -> None:
    """Return when a browser says that our own page made this request, or when no browser did.

    Raises: Denied `cross_site`.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    else:
        own = origin is None or origin.partition("://")[2] == request.headers.get("host", "")
    if not own:
        raise Denied("cross_site", "Another site made this request; it was not carried out.", hint="Do it from Canonry's own pages.")


async def require_csrf(request: Request, vault: Vault, session_id: str) -> None:
    """Return when the request cannot be forged: it changes nothing, or comes from our own page and carries the session's token.

    Raises: Denied `cross_site`, `csrf_failed`.
    """
    if request.method in _SAFE:
        return
    require_same_origin(request)
    _require_token(request.headers.get(HEADER) or await _field(request), vault, session_id)


def require_csrf_header(request: Request, vault: Vault, session_id: str) -> None:
    """Return like `require_csrf`, for a request that is no form: its token can only be a header.

    Raises: Denied `cross_site`, `csrf_failed`.
    """
    if request.method not in _SAFE:
        require_same_origin(request)
        _require_token(request.headers.get(HEADER, ""), vault, session_id)


def _require_token(sent: str, vault: Vault, session_id: str) -> None:
    if not hmac.compare_digest(sent.encode(), csrf_token(vault, session_id).encode()):
        raise Denied("csrf_failed", "This request does not carry the token of this session.",
                     hint=f"Load the page again. Programs send `csrf_token` of GET /v1/auth/session as {HEADER}.")  # fmt: skip


async def _field(request: Request) -> str:
    if not request.headers.get("content-type", "").startswith(_FORM):
        return ""
    value = (await request.form()).get(FIELD, "")
    return "" if isinstance(value, UploadFile) else value
