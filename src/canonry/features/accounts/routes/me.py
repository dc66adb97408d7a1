"""HTTP for who I am, and for my own name, address and password."""

from fastapi import Request

from canonry.core.access import Actor, Credential, Role, require_person
from canonry.core.secret import Secret
from canonry.features.accounts import password, profile, service
from canonry.features.accounts.models import User
from canonry.features.accounts.schemas import (
    Accepted,
    AccountBody,
    ChangeEmail,
    ChangeMe,
    ChangePassword,
    MeAnswer,
    MembershipBody,
    PasswordSet,
    UserBody,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import SIGNED_IN, Routes
from canonry.infra.tx import Tx

router = Routes(tags=["Account"])


@router.operation("GET", "/me", SIGNED_IN)
def get_me(actor: ActorDep, tx: TxDep) -> MeAnswer:
    """Say whom this credential speaks for."""
    return _answer(tx, actor, service.get_user(tx, actor.user_id))


@router.operation("PATCH", "/me", SIGNED_IN)
def change_me(body: ChangeMe, actor: ActorDep, tx: TxDep) -> MeAnswer:
    """Change your name. It takes a session or a token of scope admin, like all that follows here."""
    require_person(actor)
    return _answer(tx, actor, profile.rename(tx, actor.user_id, body.name))


@router.operation("POST", "/me/password", SIGNED_IN)
def change_password(body: ChangePassword, request: Request, actor: ActorDep, services: ServicesDep) -> PasswordSet:
    """Change your password. Every other session of yours ends."""
    require_person(actor)
    is_session = actor.credential in {Credential.SESSION, Credential.ACCESS_TOKEN}
    password.change_password(
        services, actor.user_id, current=secret_of(body.current_password), new=Secret(body.new_password),
        by_session=actor.credential_id if is_session else "", address=address_of(request),
    )  # fmt: skip
    return PasswordSet()


@router.operation("POST", "/me/email", SIGNED_IN, status_code=202)
def change_email(body: ChangeEmail, request: Request, actor: ActorDep, services: ServicesDep) -> Accepted:
    """Change your e-mail address: the new one counts as soon as the link that goes there is opened."""
    require_person(actor)
    profile.request_address(services, actor.user_id, email=body.email, password=secret_of(body.password), address=address_of(request))
    return Accepted(message="If that address can be used, a mail is on its way to it.")


def address_of(request: Request) -> str:
    """Return the address of the client, empty when unknown."""
    return request.client.host if request.client else ""


def secret_of(text: str | None) -> Secret | None:
    """Return a text as a secret."""
    return None if text is None else Secret(text)


def _answer(tx: Tx, actor: Actor, user: User) -> MeAnswer:
    inside = bool(actor.organization_id)
    return MeAnswer(
        user=UserBody(id=user.id, email=user.email, name=user.name, email_verified=user.email_verified_at is not None),
        account=AccountBody(id=actor.organization_id, handle=actor.organization_handle) if inside else None,
        role=actor.role if inside else None, permissions=sorted(map(str, actor.permissions)),
        memberships=[MembershipBody(id=item.organization_id, handle=item.handle, name=item.name, role=Role(item.role))
                     for item in service.memberships(tx, user.id)],
    )  # fmt: skip
