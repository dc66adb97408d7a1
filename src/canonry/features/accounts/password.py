"""Passwords: setting, changing, and getting a new one by mail."""

from canonry.core.clock import now
from canonry.core.errors import Denied, Invalid, Issue, Limited
from canonry.core.mail import parse_address
from canonry.core.secret import Secret
from canonry.features.accounts import attempts, hashes, letters, links, service
from canonry.features.accounts.attempts import SIGN_IN, Allowance
from canonry.features.accounts.context import Context
from canonry.features.accounts.events import PasswordChanged
from canonry.features.accounts.models import User
from canonry.features.accounts.rules import check_password
from canonry.features.accounts.store import second_factors
from canonry.features.accounts.store import users as store
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Transactions, Tx

_RESET = Allowance("reset-password", 4, 3600)
_RESET_FROM_ONE_PLACE = Allowance("reset-password", 20, 3600)


def set_password(transactions: Transactions, user_id: str, password: Secret) -> None:
    """Give somebody a password. Call it outside of any transaction: the hash takes 30 ms.

    All sessions of the person end (`user.password_changed`). Raises: NotFound `user_not_found`, Invalid `weak_password`.
    """
    with transactions.begin() as tx:
        user = service.get_user(tx, user_id)
    made = hashes.make_hash(check_password(password.reveal(), user.email))
    with transactions.begin() as tx:
        _set(tx, user_id, made)
        tx.emit(PasswordChanged(service.home_organization(tx, user_id), user_id, ""))


def change_password(context: Context, user_id: str, *, current: Secret | None, new: Secret, by_session: str, address: str) -> None:
    """Change one's own password. current: the present one; not needed by somebody who has none. by_session: the one that stays open.

    Raises: Invalid `weak_password`, `password_needed`; Denied `wrong_password`; Limited `too_many_attempts`.
    """
    user = confirm_person(context, user_id, current, address=address, field="body.current_password")
    made = hashes.make_hash(check_password(new.reveal(), user.email, field="body.new_password"))
    with context.transactions.begin() as tx:
        _set(tx, user_id, made, but=by_session)
        links.forget(tx, user_id, links.RESET_PASSWORD, links.CHANGE_EMAIL)
        tx.emit(PasswordChanged(service.home_organization(tx, user_id), user_id, by_session))
        queue_mail(tx, context.vault, letters.password_changed(context.settings, user.email))


def confirm_person(context: Context, user_id: str, password: Secret | None, *, address: str, field: str = "body.password") -> User:
    """Return the person when this is their password, or when they have none. Tries are counted together with those of signing in.

    Raises: Invalid `password_needed`; Denied `wrong_password`; Limited `too_many_attempts`.
    """
    with context.transactions.begin() as tx:
        user = service.get_user(tx, user_id)
        kept = store.password_hash(tx, user_id)
        if kept is None:
            return user
        if password is None:
            raise Invalid("password_needed", "This needs your present password.", hint=f"Send it as `{field.removeprefix('body.')}`.",
                          issues=[Issue(field, "required", "missing")])  # fmt: skip
        keys = attempts.keys_of(SIGN_IN, account=user.email, address=address)
        attempts.take(tx, SIGN_IN, keys)
    if not hashes.matches(password, kept):
        raise Denied("wrong_password", "That is not your present password.", hint="Try again, or ask for a new one.")
    with context.transactions.begin() as tx:
        attempts.give_back(tx, keys)
    return user


def request_reset(context: Context, *, email: str, address: str) -> None:
    """Mail a link with which a new password can be chosen, four an hour at most for each account. Nothing tells whether there is one.

    Raises: Invalid `invalid_email`.
    """
    email = parse_address(email)
    try:
        with context.transactions.begin() as tx:
            attempts.take(tx, _RESET, attempts.keys_of(_RESET, account=email))
            attempts.take(tx, _RESET_FROM_ONE_PLACE, attempts.keys_of(_RESET_FROM_ONE_PLACE, address=address))
            user = store.user_by_email(tx, email)
            if user and user.deactivated_at is None:
                secret = links.make(tx, user.id, links.RESET_PASSWORD, email)
                queue_mail(tx, context.vault, letters.reset_password(context.settings, email, secret))
    except Limited:
        return  # the mails before it are enough


def confirm_reset(context: Context, *, secret: str, password: Secret) -> User:
    """Set the password that somebody with a mailed link has chosen. All their sessions end; a refused password leaves the link good.

    Raises: Invalid `invalid_link`, `weak_password`.
    """
    with context.transactions.begin() as tx:
        user = service.get_user(tx, links.find(tx, secret, links.RESET_PASSWORD).user_id)
    made = hashes.make_hash(check_password(password.reveal(), user.email))
    with context.transactions.begin() as tx:
        link = links.use(tx, secret, links.RESET_PASSWORD)
        user = service.get_user(tx, link.user_id)
        if user.email != link.email or user.deactivated_at is not None:
            raise links.invalid()
        _set(tx, user.id, made)
        if user.email_verified_at is None:
            _hand_over(tx, user)
        links.forget(tx, user.id, links.RESET_PASSWORD, links.CHANGE_EMAIL)
        attempts.forget(tx, attempts.keys_of(SIGN_IN, account=user.email))
        tx.emit(PasswordChanged(service.home_organization(tx, user.id), user.id, ""))
        queue_mail(tx, context.vault, letters.password_changed(context.settings, user.email))
    return user


def _set(tx: Tx, user_id: str, made: str, *, but: str = "") -> None:
    """Keep a new hash. Older sessions count no more from the commit on, whenever the job that ends them comes. but: one that stays."""
    store.set_password_hash(tx, user_id, made)
    store.refuse_sessions(tx, user_id, now(), but=but)


def _hand_over(tx: Tx, user: User) -> None:
    """Whoever registered this address never showed that it is theirs; whoever reads its mail just did. Nothing of the former stays."""
    store.delete_identities(tx, user.id)
    second_factors.remove(tx, user.id)
    links.forget(tx, user.id, links.VERIFY_EMAIL)
    store.set_verified(tx, user.id)
