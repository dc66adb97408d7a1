"""The sign-in page, and signing out."""

import base64
import json
import time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from canonry.core.errors import Denied, Limited, Unauthenticated, Unavailable
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import pages, service
from canonry.features.auth.routes.arrival import HOME, begin, give_cookies
from canonry.features.auth.routes.callback import send_to_provider
from canonry.features.auth.rules import is_own_path
from canonry.http.addresses import own_origin
from canonry.http.cookies import SESSION_COOKIE, clear_cookies, cookie_of
from canonry.http.csrf import require_same_origin
from canonry.http.deps import Services, ServicesDep, actor_of
from canonry.http.errors import status_of
from canonry.http.pages import html_page
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Authentication"])

_SECOND_STEP = 300  # seconds to type the code
_BOUND = "sign-in form"
_TITLE = "Sign in"


@router.operation(
    "GET", "/auth/login", PUBLIC, errors=(401, 422, 502), response_class=HTMLResponse,
    responses={302: {"description": "On to the identity provider, or home for who is signed in already."}},
)  # fmt: skip
def show_login(
    request: Request,
    services: ServicesDep,
    org: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = "",
    connection: Annotated[str, Query(max_length=100)] = "",
    next_place: Annotated[str, Query(alias="next", max_length=2000)] = "",
    error: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Send a browser to the identity provider, or show the sign-in page where passwords are in use.

    Where nobody has a password yet and there is no provider there is nothing to sign in with: it goes home.

    org: the organization to act in. connection: which sign-in of the provider; `password` for the page. next: the path to go on to.
    """
    place = next_place if is_own_path(next_place) else ""
    provider = services.ports.sign_in_provider
    if error:
        return html_page("You are not signed in", pages.failed_sign_in(error, next_place=place, organization=org), status=401)
    if _is_signed_in(request, services, org):
        return RedirectResponse(place or HOME, 302)
    if provider is not None and connection != "password":
        return send_to_provider(request, services, provider, next_place=place, organization=org, connection=connection)
    with services.transactions.begin() as tx:
        in_use = accounts.passwords_in_use(tx)
    if not in_use and provider is None:
        return html_page("Nobody can sign in here yet", pages.no_sign_in()) if place or org else RedirectResponse("/", 302)
    through = "/auth/login?" + urlencode({"next": place, "org": org}) if provider else ""
    return html_page(
        _TITLE, pages.sign_in_form(next_place=place, organization=org, provider=through, sign_up=services.settings.open_registration)
    )


@router.operation("POST", "/auth/login", PUBLIC, include_in_schema=False)
def log_in(  # noqa: PLR0917 -- the fields of the form
    request: Request,
    services: ServicesDep,
    email: Annotated[str, Form(max_length=320)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    code: Annotated[str, Form(max_length=100)] = "",
    sealed: Annotated[str, Form(max_length=8000)] = "",
    org: Annotated[str, Form(max_length=100)] = "",
    next_place: Annotated[str, Form(alias="next", max_length=2000)] = "",
) -> Response:
    """Take the sign-in page: who signs in goes on to where they wanted to go, else the page comes back and says why not."""
    require_same_origin(request)
    place = next_place if is_own_path(next_place) else ""
    try:
        if sealed:
            email, password = _unseal(services, sealed)
        user = accounts.sign_in(
            services.transactions, services.vault, email=email, password=Secret(password), code=code or None,
            address=request.client.host if request.client else "",
        )  # fmt: skip
    except (Unauthenticated, Denied, Limited) as error:
        status = status_of(error)
        if error.code in {"second_factor_required", "invalid_code"}:
            problem = "" if error.code == "second_factor_required" else str(error)
            again = sealed or _seal(services, email, password)
            form = pages.second_factor_form(sealed=again, next_place=place, organization=org, problem=problem)
            return html_page("Your second factor", form, status=200 if not problem else status)
        sign_up = services.settings.open_registration
        form = pages.sign_in_form(next_place=place, organization=org, email=email, problem=str(error), sign_up=sign_up)
        return html_page(_TITLE, form, status=status)
    with services.transactions.begin() as tx:
        wanted = accounts.membership(tx, user.id, org) if org and "\0" not in org else None
        arrival = begin(tx, request, user.id, way="password", organization_id=wanted.organization_id if wanted else None)
    answer = RedirectResponse(place or HOME, 303)
    give_cookies(request, answer, arrival)
    return answer


@router.operation("GET", "/auth/logout", PUBLIC, status_code=302, response_class=RedirectResponse, errors=(403,))
def log_out(request: Request, services: ServicesDep) -> Response:
    """Sign out: the session ends, the browser forgets it and goes home, by way of the provider's sign-out when it came from there."""
    require_same_origin(request)
    way = _end_session(request, services)
    provider = services.ports.sign_in_provider if way == "oidc" else None
    place = (provider.end_session(f"{own_origin(request)}/") if provider else None) or "/"
    answer = RedirectResponse(place, 302)
    clear_cookies(request, answer)
    return answer


def _is_signed_in(request: Request, services: Services, organization: str) -> bool:
    """Say whether nobody needs to sign in: there is a session, and it can act in the organization that is wanted."""
    if not cookie_of(request, SESSION_COOKIE):
        return False
    try:
        actor = actor_of(request)
    except (Unauthenticated, Denied):
        return False
    if not organization or actor.organization_handle == organization.lower():
        return True
    with services.transactions.begin() as tx:
        return accounts.membership(tx, actor.user_id, organization) is not None


def _end_session(request: Request, services: Services) -> str:
    """End the session of the cookie; return how it began, empty when there is none."""
    try:
        actor = actor_of(request)
        with services.transactions.begin() as tx:
            session = service.current(tx, actor)
            service.end(tx, session, "signed_out")
    except (Unauthenticated, Denied):
        return ""
    return session.way


def _seal(services: Services, email: str, password: str) -> str:
    text = json.dumps([email, password, int(time.time()) + _SECOND_STEP])
    return base64.urlsafe_b64encode(services.vault.seal(text, bound=_BOUND)).decode()


def _unseal(services: Services, sealed: str) -> tuple[str, str]:
    try:
        email, password, until = json.loads(services.vault.open(base64.urlsafe_b64decode(sealed), bound=_BOUND).reveal())
    except (ValueError, Unavailable) as error:
        raise Unauthenticated("sign_in_expired", "This sign-in has expired.", hint="Start again.") from error
    if until < time.time():
        raise Unauthenticated("sign_in_expired", "This sign-in has expired.", hint="Start again.")
    return str(email), str(password)
