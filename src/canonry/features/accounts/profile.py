"""A person's own name and e-mail address."""

from canonry.core.errors import Denied, Invalid, Issue
from canonry.core.mail import parse_address
from canonry.core.secret import Secret
from canonry.features.accounts import attempts, letters, links, service
from canonry.features.accounts.attempts import Allowance
from canonry.features.accounts.context import Context
from canonry.features.accounts.events import UserChanged
from canonry.features.accounts.models import User
from canonry.features.accounts.password import confirm_person
from canonry.features.accounts.store import users as store
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_CHANGE = Allowance("change-email", 4, 3600)


def rename(tx: Tx, user_id: str, name: str) -> User:
    """Change one's own name. Raises: Invalid `invalid_name`."""
    before = service.get_user(tx, user_id)
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise Invalid("invalid_name", "A person needs a name.", issues=[Issue("body.name", "must not be empty", "too_short")])
    if name != before.name:
        store.set_name(tx, user_id, name)
        tx.emit(UserChanged(service.home_organization(tx, user_id), user_id), before={"name": before.name}, after={"name": name})
    return service.get_user(tx, user_id)


def request_address(context: Context, user_id: str, *, email: str, password: Secret | None, address: str) -> None:
    """Mail a link to another address of the caller; it takes the old one's place when the link is opened. Whose it may be is not told.

    Raises: Invalid `invalid_email`, `password_needed`; Denied `wrong_password`; Limited `too_many_attempts`.
    """
    email = parse_address(email)
    confirm_person(context, user_id, password, address=address)
    with context.transactions.begin() as tx:
        attempts.take(tx, _CHANGE, attempts.keys_of(_CHANGE, account=user_id))
        links.forget(tx, user_id, links.CHANGE_EMAIL)
        if store.user_by_email(tx, email) is None:
            secret = links.make(tx, user_id, links.CHANGE_EMAIL, email)
            queue_mail(tx, context.vault, letters.verify_address(context.settings, email, secret))


def require_verified(tx: Tx, user_id: str) -> None:
    """Return when the person's e-mail address is verified. Raises: Denied `email_not_verified`."""
    if service.get_user(tx, user_id).email_verified_at is None:
        raise Denied("email_not_verified", "Your e-mail address is not verified yet.",
                     hint="Open the link in the mail. Another one: POST /v1/auth/verify-email/resend.")  # fmt: skip
