"""Registering, and verifying an e-mail address."""

from canonry.core.errors import Conflict, Denied
from canonry.core.mail import parse_address
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features.accounts import attempts, hashes, invitations, letters, links, service
from canonry.features.accounts.attempts import Allowance
from canonry.features.accounts.context import Context
from canonry.features.accounts.events import EmailChanged, EmailVerified
from canonry.features.accounts.models import User
from canonry.features.accounts.rules import check_handle, check_password
from canonry.features.accounts.store import users as store
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_REGISTER = Allowance("register", 10, 3600)
_RESEND = Allowance("verify-email", 4, 3600)


def register(context: Context, *, email: str, password: Secret, name: str, handle: str | None, address: str) -> None:
    """Make an account and mail a link that verifies its address. Whoever has an account already gets a mail that says so, no more.

    handle: of the organization that is made with it; from the address without one. address: of the client.
    Raises: Denied `registration_closed`; Invalid `invalid_email`, `weak_password`, `invalid_handle`; Conflict `handle_reserved`,
    `handle_taken`; Limited `too_many_attempts`. None of them tells whether there is an account.
    """
    require_open(context.settings)
    email = parse_address(email)
    plain = check_password(password.reveal(), email)
    handle = None if handle is None else check_handle(handle)
    with context.transactions.begin() as tx:
        attempts.take(tx, _REGISTER, attempts.keys_of(_REGISTER, account=email, address=address))
        if handle and service.find_organization(tx, handle):
            raise service.handle_taken(handle)
    made = hashes.make_hash(plain)  # for somebody known as well: they must not be told apart by the time
    try:
        with context.transactions.begin() as tx:
            user = store.user_by_email(tx, email)
            if user is None:
                user = service.create_person(tx, email=email, name=name, verified=False, handle=handle)
                store.set_password_hash(tx, user.id, made)
                secret = links.make(tx, user.id, links.VERIFY_EMAIL, email)
                queue_mail(tx, context.vault, letters.verify_address(context.settings, email, secret))
            elif user.deactivated_at is None:
                _tell_known(context, tx, user)
    except Conflict as error:
        if error.code != "email_taken":
            raise
        with context.transactions.begin() as tx:  # they registered twice at the same moment
            if user := store.user_by_email(tx, email):
                _tell_known(context, tx, user)


def require_open(settings: Settings) -> None:
    """Return when anybody may register. Raises: Denied `registration_closed`."""
    if not settings.open_registration:
        raise Denied("registration_closed", "Nobody can register here without an invitation.", hint="Ask whoever runs this Canonry.")


def register_invited(context: Context, *, invitation: str, email: str, password: Secret, name: str, handle: str | None) -> None:
    """Make the account of somebody who was invited: their address is verified by that, and they are a member at once.

    Raises: Invalid `invalid_invitation`, `invalid_email`, `weak_password`, `invalid_handle`; Denied `invitation_for_another`;
    Conflict `email_taken`, `handle_reserved`, `handle_taken`.
    """
    email = parse_address(email)
    plain = check_password(password.reveal(), email)
    handle = None if handle is None else check_handle(handle)
    with context.transactions.begin() as tx:
        invitations.require_address(invitations.look_up(tx, invitation), email)
    made = hashes.make_hash(plain)
    with context.transactions.begin() as tx:
        user = service.create_person(tx, email=email, name=name, verified=True, handle=handle)
        store.set_password_hash(tx, user.id, made)
        invitations.join(tx, user, invitations.look_up(tx, invitation))


def _tell_known(context: Context, tx: Tx, user: User) -> None:
    secret = links.make(tx, user.id, links.RESET_PASSWORD, user.email)
    queue_mail(tx, context.vault, letters.already_registered(context.settings, user.email, secret))


def resend_verification(context: Context, *, email: str, address: str) -> None:
    """Mail another link to an account whose address is not verified. Nothing tells whether there is one.

    Raises: Invalid `invalid_email`; Limited `too_many_attempts`: four in an hour for each address.
    """
    email = parse_address(email)
    with context.transactions.begin() as tx:
        attempts.take(tx, _RESEND, attempts.keys_of(_RESEND, account=email))
        attempts.take(tx, _REGISTER, attempts.keys_of(_REGISTER, address=address))
        user = store.user_by_email(tx, email)
        if user and user.email_verified_at is None and user.deactivated_at is None:
            secret = links.make(tx, user.id, links.VERIFY_EMAIL, email)
            queue_mail(tx, context.vault, letters.verify_address(context.settings, email, secret))


def verify_email(context: Context, tx: Tx, secret: str) -> User:
    """Take a link that was mailed: the address it went to is the person's from now on. Returns the person as they are then.

    Raises: Invalid `invalid_link`; Conflict `email_taken` when somebody else has that address by now.
    """
    link = links.use(tx, secret, links.VERIFY_EMAIL, links.CHANGE_EMAIL)
    user = service.get_user(tx, link.user_id)
    home = service.home_organization(tx, user.id)
    if link.purpose == links.VERIFY_EMAIL and user.email != link.email:
        raise links.invalid()  # an older link, and they have changed to another address since
    if user.email == link.email:
        store.set_verified(tx, user.id)
        tx.emit(EmailVerified(home, user.id), after={"email": link.email})
    else:
        service.set_address(tx, user.id, link.email)
        tx.emit(EmailChanged(home, user.id), before={"email": user.email}, after={"email": link.email})
        queue_mail(tx, context.vault, letters.email_changed(context.settings, user.email, link.email))
    return service.get_user(tx, user.id)
