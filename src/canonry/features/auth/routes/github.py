"""HTTP of the link to GitHub: there, back, and undone."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from canonry.core.access import Actor
from canonry.core.errors import CanonryError, NotFound
from canonry.features import accounts
from canonry.features.auth import flows, service
from canonry.features.auth.github import client
from canonry.features.auth.github import service as github
from canonry.features.auth.routes.arrival import HOME
from canonry.features.auth.rules import is_own_path
from canonry.http.addresses import own_origin
from canonry.http.cookies import clear_flow_cookie, cookie_of, set_flow_cookie
from canonry.http.csrf import require_same_origin
from canonry.http.deps import ActorDep, Services, ServicesDep, TxDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Authentication"])

_PATH = "/auth/github/callback"
_KIND = "github"
Word = Annotated[str, Query(max_length=4000)]


@router.operation("GET", "/auth/github/login", SIGNED_IN, status_code=302, response_class=RedirectResponse, errors=(404, 422))
def link_github(request: Request, actor: ActorDep, tx: TxDep, services: ServicesDep, redirect_to: Word = "") -> Response:
    """Send a browser to GitHub to link an account there. redirect_to: a path of this site to come back to; anything else is dropped."""
    if services.settings.github_client_id is None:
        raise NotFound("github_not_configured", "This Canonry is not known to GitHub.",
                       hint="Whoever runs it registers it there and sets CANONRY_GITHUB_CLIENT_ID and …_SECRET.")  # fmt: skip
    service.current(tx, actor)
    accounts.require_verified(tx, actor.user_id)
    flow = flows.begin(next_place=redirect_to if is_own_path(redirect_to) else "", user_id=actor.user_id)
    back = own_origin(request) + _PATH
    answer = RedirectResponse(client.consent_url(services.settings, state=flow.state, verifier=flow.verifier, redirect_uri=back), 302)
    set_flow_cookie(request, answer, flows.cookie_name(flow.state), flows.seal(services.vault, _KIND, flow), flows.LIFE)
    return answer


@router.operation("GET", _PATH, SIGNED_IN, status_code=302, response_class=RedirectResponse, errors=(422,))
def come_back_from_github(
    request: Request, actor: ActorDep, services: ServicesDep, code: Word = "", state: Word = "", error: Word = ""
) -> Response:
    """Take a browser back from GitHub: a good code links the account. What went wrong is said as `auth_error` in the address."""
    name = flows.cookie_name(state)
    flow = flows.unseal(services.vault, _KIND, cookie_of(request, name), state)
    if flow is None or flow.user_id != actor.user_id:
        return _leave(request, _failed("state_mismatch"), name)
    if error or not code:
        return _leave(request, _failed("github" if error else "no_token"), name)
    return _leave(request, _link(request, services, actor, flow, code), name)


@router.operation("GET", "/auth/github/disconnect", SIGNED_IN, status_code=302, response_class=RedirectResponse, errors=(422,))
def unlink_github(request: Request, actor: ActorDep, services: ServicesDep, redirect_to: Word = "") -> Response:
    """Undo the link to GitHub. The token is forgotten here; GitHub lists it under the applications of the account."""
    require_same_origin(request)
    with services.transactions.begin() as tx:  # one that writes, though this is a GET
        service.current(tx, actor)
        github.unlink(tx, actor)
    return RedirectResponse(redirect_to if is_own_path(redirect_to) else HOME, 302)


def _link(request: Request, services: Services, actor: Actor, flow: flows.Flow, code: str) -> str:
    """Make the link; return where to go."""
    try:
        token = client.exchange(services.settings, code=code, verifier=flow.verifier, redirect_uri=own_origin(request) + _PATH)
        if token is None:
            return _failed("no_token")
        account = client.whose(services.settings, token)
    except CanonryError:
        return _failed("github")
    with services.transactions.begin() as tx:
        github.link(tx, services.vault, actor, account, token)
    return flow.next_place or HOME


def _failed(reason: str) -> str:
    return f"/app?{urlencode({'auth_error': reason})}"


def _leave(request: Request, place: str, cookie: str) -> RedirectResponse:
    answer = RedirectResponse(place, 302)
    clear_flow_cookie(request, answer, cookie)
    return answer
