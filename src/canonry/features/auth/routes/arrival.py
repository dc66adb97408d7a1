"""What happens to a browser whose user has just proved who they are."""

from dataclasses import dataclass

from fastapi import Request, Response

from canonry.core.secret import Secret
from canonry.features.auth import service
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label, Opened
from canonry.http.cookies import REFRESH_COOKIE, SESSION_COOKIE, set_cookie
from canonry.infra.tx import Tx

HOME = "/auth/account"
"""Where somebody goes who has signed in and wanted to go nowhere else."""


@dataclass(frozen=True)
class Arrival:
    """A browser's new session, and the two secrets that its cookies will hold."""

    opened: Opened
    refresh: Secret


def begin(tx: Tx, request: Request, user_id: str, *, way: str, organization_id: str | None = None) -> Arrival:
    """Begin a browser's session: a new one with a new secret at every sign-in, so that a secret planted before it is worth nothing."""
    client = request.headers.get("user-agent", "")
    opened = service.open_session(tx, user_id, label=Label.BROWSER, way=way, client=client, organization_id=organization_id)
    return Arrival(opened, grants.give_refresh(tx, opened.session))


def give_cookies(request: Request, response: Response, arrival: Arrival) -> None:
    """Let the browser keep what signs it in from now on."""
    set_cookie(request, response, SESSION_COOKIE, arrival.opened.secret.reveal())
    set_cookie(request, response, REFRESH_COOKIE, arrival.refresh.reveal())
