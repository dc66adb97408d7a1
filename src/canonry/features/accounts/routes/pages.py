"""The pages behind mailed links, and those of whoever has no password any more or no account yet; they work without JavaScript."""

from typing import Annotated

from fastapi import Form, Query, Request, Response

from canonry.core.access import Actor
from canonry.core.errors import CanonryError, Conflict, Denied, Invalid, Unauthenticated
from canonry.core.secret import Secret
from canonry.features.accounts import invitations, links, pages, password, registration, service
from canonry.features.accounts.routes.me import address_of
from canonry.http.csrf import require_same_origin
from canonry.http.deps import Services, ServicesDep, TxDep, actor_of
from canonry.http.errors import status_of
from canonry.http.pages import html_page
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Account"], include_in_schema=False)

TokenQuery = Annotated[str, Query(max_length=200)]
TokenField = Annotated[str, Form(max_length=200)]
TextField = Annotated[str, Form(max_length=1000)]
PasswordField = Annotated[str, Form(alias="password", max_length=1000)]


@router.operation("GET", "/auth/confirm-email", PUBLIC)
def show_confirm_email(tx: TxDep, token: TokenQuery = "") -> Response:
    """Show the button that verifies an address."""
    links.find(tx, token, links.VERIFY_EMAIL, links.CHANGE_EMAIL)
    return html_page("Confirm your address", pages.confirm_email(token))


@router.operation("POST", "/auth/confirm-email", PUBLIC)
def confirm_email(request: Request, services: ServicesDep, tx: TxDep, token: TokenField = "") -> Response:
    """Verify an address."""
    require_same_origin(request)
    return html_page("Confirmed", pages.confirmed(registration.verify_email(services, tx, token).email))


@router.operation("GET", "/auth/new-password", PUBLIC)
def show_new_password(tx: TxDep, token: TokenQuery = "") -> Response:
    """Ask for a new password."""
    links.find(tx, token, links.RESET_PASSWORD)
    return html_page("Choose a new password", pages.new_password(token))


@router.operation("POST", "/auth/new-password", PUBLIC)
def set_new_password(request: Request, services: ServicesDep, token: TokenField = "", new: PasswordField = "") -> Response:
    """Set it; one that is refused is asked for again."""
    require_same_origin(request)
    try:
        password.confirm_reset(services, secret=token, password=Secret(new))
    except Invalid as error:
        if error.code != "weak_password":
            raise
        return html_page("Choose a new password", pages.new_password(token, str(error)), status=status_of(error))
    return html_page("Password changed", pages.password_set())


@router.operation("GET", "/auth/forgotten", PUBLIC)
def show_forgotten() -> Response:
    """Ask whose password is gone."""
    return html_page("Forgotten password", pages.forgotten())


@router.operation("POST", "/auth/forgotten", PUBLIC)
def ask_for_link(request: Request, services: ServicesDep, email: TextField = "") -> Response:
    """Mail a link, when there is such an account."""
    require_same_origin(request)
    try:
        password.request_reset(services, email=email, address=address_of(request))
    except Invalid as error:
        return html_page("Forgotten password", pages.forgotten(email, str(error)), status=status_of(error))
    return html_page("Look at your mail", pages.mail_is_on_its_way())


@router.operation("GET", "/auth/sign-up", PUBLIC)
def show_sign_up(services: ServicesDep) -> Response:
    """Ask for what an account needs, where anybody may register."""
    registration.require_open(services.settings)
    return html_page("Make an account", pages.sign_up())


@router.operation("POST", "/auth/sign-up", PUBLIC)
def take_sign_up(request: Request, services: ServicesDep, email: TextField = "", name: TextField = "", new: PasswordField = "") -> Response:
    """Make the account; what is refused is asked for again."""
    require_same_origin(request)
    try:
        registration.register(services, email=email, password=Secret(new), name=_one_line(name), handle=None, address=address_of(request))
    except CanonryError as error:
        return html_page("Make an account", pages.sign_up(email, name, str(error)), status=status_of(error))
    return html_page("Look at your mail", pages.mail_is_on_its_way())


@router.operation("GET", "/auth/invitation", PUBLIC)
def show_invitation(request: Request, services: ServicesDep, token: TokenQuery = "") -> Response:
    """Show an invitation, and what has to be done to accept it."""
    return _invitation(request, services, token)


@router.operation("POST", "/auth/invitation", PUBLIC)
def take_invitation(
    request: Request, services: ServicesDep, token: TokenField = "", name: TextField = "", new: PasswordField = ""
) -> Response:
    """Accept it: as who is signed in, else with the account that is made here."""
    require_same_origin(request)
    with services.transactions.begin() as tx:
        invitation = invitations.look_up(tx, token)
        if actor := _signed_in(request):
            invitations.accept(tx, actor, token)
            return html_page("Welcome", pages.joined(invitation.organization))
    try:
        registration.register_invited(services, invitation=token, email=invitation.email, password=Secret(new), name=_one_line(name),
                                      handle=None)  # fmt: skip
    except (Invalid, Conflict) as error:
        return _invitation(request, services, token, name, error)
    return html_page("Welcome", pages.joined(invitation.organization))


def _invitation(request: Request, services: Services, token: str, name: str = "", error: CanonryError | None = None) -> Response:
    actor = _signed_in(request)
    with services.transactions.begin() as tx:
        invitation = invitations.look_up(tx, token)
        if actor is not None:
            invitations.require_address(invitation, service.get_user(tx, actor.user_id).email)
            body = pages.join(invitation, token)
        elif service.is_known(tx, invitation.email):
            body = pages.sign_in_to_join(invitation, token)
        else:
            body = pages.register_to_join(invitation, token, name, str(error) if error else "")
    return html_page("You are invited", body, status=status_of(error) if error else 200)


def _signed_in(request: Request) -> Actor | None:
    try:
        return actor_of(request)
    except (Unauthenticated, Denied):
        return None


def _one_line(name: str) -> str:
    return " ".join(name.split())[:100]
