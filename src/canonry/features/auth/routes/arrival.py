"""What happens to a browser whose user has just proved who they are."""

from fastapi import Request, Response

from canonry.features.auth import service
from canonry.features.auth.models import Label, Opened
from canonry.http.cookies import SESSION_COOKIE, set_cookie
from canonry.infra.tx import Tx


def begin(tx: Tx, request: Request, user_id: str, *, way: str, organization_id: str | None = None) -> Opened:
    """Begin a browser's session: a new one with a new secret at every sign-in, so that a secret planted before it is worth nothing."""
    client = request.headers.get("user-agent", "")
    return service.open_session(tx, user_id, label=Label.BROWSER, way=way, client=client, organization_id=organization_id)


def give_cookies(request: Request, response: Response, opened: Opened) -> None:
    """Let the browser keep what signs it in from now on."""
    set_cookie(request, response, SESSION_COOKIE, opened.secret.reveal())
