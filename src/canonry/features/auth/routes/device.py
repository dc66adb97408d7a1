"""HTTP of the device flow: what a command line asks, and the page on which a person decides."""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from canonry.core.access import Actor
from canonry.core.errors import NotFound
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import service
from canonry.features.auth.device import at_provider, pages
from canonry.features.auth.device import service as device
from canonry.features.auth.device.models import DeviceSignIn
from canonry.features.auth.device.rules import ORGANIZATION
from canonry.http.addresses import own_origin
from canonry.http.csrf import csrf_token
from canonry.http.deps import ActorDep, Services, ServicesDep
from canonry.http.pages import html_page
from canonry.http.routing import PUBLIC, SIGNED_IN, Routes

router = Routes(tags=["Device authorization"])

Handle = Annotated[str, StringConstraints(max_length=100, pattern=f"^{ORGANIZATION.pattern}$")]
Typed = Annotated[str, Form(max_length=100)]


class BeginBody(BaseModel):
    """Body of POST /auth/device/code. org: the handle of the organization to act in. client: what asks, shown to the person who decides."""

    org: Handle | None = Field(default=None, examples=["analytics"])
    client: Annotated[str, StringConstraints(max_length=200)] | None = None


class CodesAnswer(BaseModel):
    """What to show to the person, and what to ask with. interval, expires_in: seconds."""

    device_code: str
    user_code: str = Field(examples=["WDJB-MJHT"])
    verification_uri: str
    verification_uri_complete: str
    interval: int
    expires_in: int


class AskBody(BaseModel):
    """Body of POST /auth/device/token."""

    device_code: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class StatusAnswer(BaseModel):
    """How far it is. slow_down with pending; detail with error; the rest with approved, once."""

    status: str = Field(description="pending, expired, denied, error or approved")
    slow_down: bool | None = Field(default=None, description="ask less often: the interval has grown by five seconds")
    detail: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int | None = None
    email: str | None = None
    org: str | None = None
    session_created: bool | None = None


@router.operation("POST", "/auth/device/code", PUBLIC, errors=(409, 422, 502))
def begin_device_sign_in(request: Request, services: ServicesDep, body: BeginBody | None = None) -> CodesAnswer:
    """Begin to sign a device in: it shows a code, and somebody approves it in a browser."""
    body = body or BeginBody()
    provider = services.ports.sign_in_provider if services.settings.oidc_device else None
    organization, client = body.org or "", body.client or request.headers.get("user-agent", "")
    codes = None
    if provider is not None:
        codes = at_provider.begin(services.transactions, services.vault, provider, organization=organization, client=client)
    if codes is None:
        with services.transactions.begin() as tx:
            codes = device.begin(tx, services.vault, organization=organization, client=client, origin=own_origin(request))
    return CodesAnswer(
        device_code=codes.device_code.reveal(), user_code=codes.user_code, verification_uri=codes.place,
        verification_uri_complete=codes.place_with_code, interval=codes.pause, expires_in=codes.expires_in,
    )  # fmt: skip


@router.operation("POST", "/auth/device/token", PUBLIC, errors=(403, 409, 422, 502), response_model_exclude_none=True)
def ask_device_sign_in(body: AskBody, response: Response, services: ServicesDep) -> StatusAnswer:
    """Say how far the sign-in of a device is: always 200, with a `status`. The tokens come once."""
    response.headers["Cache-Control"] = "no-store"
    told = at_provider.ask(
        services.transactions, services.vault, services.ports.sign_in_provider, Secret(body.device_code),
        domains=services.settings.oidc_domains,
    )  # fmt: skip
    if told.granted is None:
        slow_down = told.slow_down if told.status == "pending" else None
        return StatusAnswer(status=told.status, slow_down=slow_down, detail=told.detail or None)
    grant = told.granted.grant
    return StatusAnswer(
        status=told.status, access_token=grant.access.reveal(), refresh_token=grant.refresh.reveal(), expires_in=grant.expires_in,
        email=told.granted.user.email, org=told.granted.handle, session_created=True,
    )  # fmt: skip


@router.operation("GET", "/auth/device", SIGNED_IN, include_in_schema=False)
def show_device_page(actor: ActorDep, services: ServicesDep, code: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Ask for the code, or show who waits under it."""
    if not code:
        return _enter()
    found = _find(services, actor, code)
    return _enter(code, _UNKNOWN) if found is None else _decide(services, actor, code, found)


@router.operation("POST", "/auth/device", SIGNED_IN, include_in_schema=False)
def decide_device(actor: ActorDep, services: ServicesDep, code: Typed, action: Typed, organization: Typed = "") -> Response:
    """Let the device act as oneself, or refuse it."""
    if _find(services, actor, code) is None:
        return _enter(code, _UNKNOWN)
    with services.transactions.begin() as tx:
        if action != "approve":
            device.deny(tx, services.vault, actor, code)
            return html_page("Refused", pages.refused())
        found = device.approve(tx, services.vault, actor, code, organization=organization)
    return html_page("You are signed in", pages.approved(found, organization))


_UNKNOWN = "No command line waits under that code. Compare it with what your terminal shows; after 15 minutes it has expired."


def _enter(code: str = "", problem: str = "") -> Response:
    return html_page("Sign a device in", pages.code_form(code, problem), status=404 if problem else 200)


def _find(services: Services, actor: Actor, code: str) -> DeviceSignIn | None:
    """Look a code up. A wrong one counts, and stays counted; too many are an error."""
    with services.transactions.begin() as tx:
        device.count_try(tx, actor)
    try:
        with services.transactions.begin() as tx:
            found = device.find(tx, services.vault, actor, code)
            device.give_try_back(tx, actor)
            return found
    except NotFound:
        return None


def _decide(services: Services, actor: Actor, code: str, found: DeviceSignIn) -> Response:
    with services.transactions.begin() as tx:
        session = service.current(tx, actor)
        memberships = accounts.memberships(tx, actor.user_id)
        user = accounts.get_user(tx, actor.user_id)
    chosen = found.organization.lower() or actor.organization_handle
    csrf = csrf_token(services.vault, session.id)
    return html_page("Sign this device in?", pages.decision(found, code, user, memberships, chosen, csrf))
