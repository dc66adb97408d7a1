"""The way back from the identity provider."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from canonry.core.errors import NotFound
from canonry.features import accounts
from canonry.features.auth import flows
from canonry.features.auth.routes.arrival import HOME, begin, give_cookies
from canonry.http.addresses import own_origin
from canonry.http.cookies import clear_flow_cookie, cookie_of, set_flow_cookie
from canonry.http.deps import Services, ServicesDep
from canonry.http.routing import PUBLIC, Routes
from canonry.ports.sign_in_provider import SignInProvider

router = Routes(tags=["Authentication"])

_PATH = "/auth/callback"
_KIND = "oidc"
Word = Annotated[str, Query(max_length=4000)]


def send_to_provider(
    request: Request, services: Services, provider: SignInProvider, *, next_place: str, organization: str, connection: str
) -> Response:
    """Send a browser to the provider. Raises: Unavailable `provider_unavailable`."""
    flow = flows.begin(next_place=next_place, organization=organization)
    place = provider.start(flow.attempt, redirect_uri=own_origin(request) + _PATH, organization=organization, connection=connection)
    answer = RedirectResponse(place, 302)
    set_flow_cookie(request, answer, flows.cookie_name(flow.state), flows.seal(services.vault, _KIND, flow), flows.LIFE)
    return answer


@router.operation("GET", _PATH, PUBLIC, status_code=302, response_class=RedirectResponse, errors=(401, 403, 404, 409, 422, 502))
def finish_sign_in(request: Request, services: ServicesDep, code: Word = "", state: Word = "", error: Word = "") -> Response:
    """Take a browser back from the provider: a good code opens a session; an error or a wrong state leads to the sign-in page."""
    provider = services.ports.sign_in_provider
    if provider is None:
        raise NotFound("no_sign_in_provider", "This Canonry has no identity provider.", hint="Sign in with a password: /auth/login.")
    name = flows.cookie_name(state)
    flow = flows.unseal(services.vault, _KIND, cookie_of(request, name), state)
    if flow is None or error or not code:
        reason = "state_mismatch" if flow is None else (error or "no_code")
        return _leave(request, f"/auth/login?{urlencode({'error': reason[:100]})}", name)
    person = provider.finish(flow.attempt, code=code, redirect_uri=own_origin(request) + _PATH)
    with services.transactions.begin() as tx:
        user = accounts.find_or_create_from_identity(
            tx, issuer=person.issuer, subject=person.subject, email=person.email, email_verified=person.email_verified, name=person.name,
            domains=services.settings.oidc_domains,
        )  # fmt: skip
        wanted = accounts.membership(tx, user.id, flow.organization) if flow.organization else None
        arrival = begin(tx, request, user.id, way="oidc", organization_id=wanted.organization_id if wanted else None)
    answer = _leave(request, flow.next_place or HOME, name)
    give_cookies(request, answer, arrival)
    return answer


def _leave(request: Request, place: str, cookie: str) -> RedirectResponse:
    answer = RedirectResponse(place, 302)
    clear_flow_cookie(request, answer, cookie)
    return answer
