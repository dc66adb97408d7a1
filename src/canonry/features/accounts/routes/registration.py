"""HTTP for those who have no session yet: registering, verifying an address, choosing a new password."""

from fastapi import Request

from canonry.core.secret import Secret
from canonry.features.accounts import password, registration
from canonry.features.accounts.routes.me import address_of
from canonry.features.accounts.schemas import Accepted, AddressOnly, LinkOnly, NewPasswordByLink, PasswordSet, Register, VerifiedAnswer
from canonry.http.deps import ServicesDep, TxDep
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Account"])

_MAIL = "If that address can be used, a mail is on its way to it."


@router.operation("POST", "/auth/register", PUBLIC, status_code=202, errors=(403, 409))
def register(body: Register, request: Request, services: ServicesDep) -> Accepted:
    """Register: a mail with a link verifies the address. The answer is the same when there is an account already.

    With the secret of an invitation to this address nothing needs verifying, and registration need not be open.
    """
    if body.invitation is not None:
        registration.register_invited(services, invitation=body.invitation, email=body.email, password=Secret(body.password),
                                      name=body.name or "", handle=body.handle)  # fmt: skip
        return Accepted(status="registered", message="Welcome. Sign in with your e-mail address and password.")
    registration.register(services, email=body.email, password=Secret(body.password), name=body.name or "", handle=body.handle,
                          address=address_of(request))  # fmt: skip
    return Accepted(message=_MAIL)


@router.operation("POST", "/auth/verify-email", PUBLIC, errors=(409,))
def verify_email(body: LinkOnly, services: ServicesDep, tx: TxDep) -> VerifiedAnswer:
    """Take the link of a mail: the address it went to is verified."""
    return VerifiedAnswer(email=registration.verify_email(services, tx, body.token).email)


@router.operation("POST", "/auth/verify-email/resend", PUBLIC, status_code=202)
def resend_verification(body: AddressOnly, request: Request, services: ServicesDep) -> Accepted:
    """Ask for another mail that verifies an address, at most four times an hour."""
    registration.resend_verification(services, email=body.email, address=address_of(request))
    return Accepted(message=_MAIL)


@router.operation("POST", "/auth/password-reset", PUBLIC, status_code=202)
def request_reset(body: AddressOnly, request: Request, services: ServicesDep) -> Accepted:
    """Ask for a mail with which a new password can be chosen."""
    password.request_reset(services, email=body.email, address=address_of(request))
    return Accepted(message=_MAIL)


@router.operation("POST", "/auth/password-reset/confirm", PUBLIC)
def confirm_reset(body: NewPasswordByLink, services: ServicesDep) -> PasswordSet:
    """Choose a new password with the link of a mail. All sessions of the account end."""
    password.confirm_reset(services, secret=body.token, password=Secret(body.password))
    return PasswordSet()
