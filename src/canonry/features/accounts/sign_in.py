"""Signing in with a password, and with the second factor of those who have one."""

from canonry.core.errors import Denied, Invalid, NotFound, Unauthenticated
from canonry.core.mail import parse_address
from canonry.core.secret import Secret
from canonry.features.accounts import attempts, hashes, second_factor
from canonry.features.accounts.models import User
from canonry.features.accounts.store import users as store
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions, Tx


def sign_in(
    transactions: Transactions, vault: Vault, *, email: str, password: Secret, code: str | None = None, address: str
) -> User:  # fmt: skip
    """Return who this is. Call it outside of any transaction: the try is counted in one of its own, so that it counts whatever follows.

    code: of the authenticator app, or a recovery code. address: of the client, empty when unknown. An unknown address takes as long as a
    wrong password. Ten tries in 15 minutes for each account and each address; a success sets those of the account back.
    Raises: Unauthenticated `invalid_credentials`, `second_factor_required` (the password was right), `invalid_code`;
    Denied `account_deactivated` (likewise); Limited `too_many_attempts`.
    """
    account = _known_form(email)
    keys = attempts.keys_of(attempts.SIGN_IN, account=account or email.strip().lower(), address=address)
    with transactions.begin() as tx:
        attempts.take(tx, attempts.SIGN_IN, keys)
        found = store.login(tx, account) if account else None
    if not hashes.matches(password, found.password_hash if found else None) or found is None:
        raise Unauthenticated("invalid_credentials", "E-mail address and password do not belong together.",
                              hint="Try again, or ask for a new password.")  # fmt: skip
    if found.has_second_factor and not code:
        with transactions.begin() as tx:
            attempts.give_back(tx, keys)  # not forgotten: else whoever knows the password could try codes without end
        raise Unauthenticated("second_factor_required", "This account has a second factor.",
                              hint="Send the code of your authenticator app, or a recovery code, as `code`.")  # fmt: skip
    renewed = hashes.make_hash(password.reveal()) if found.password_hash and hashes.is_outdated(found.password_hash) else None
    with transactions.begin() as tx:
        return _let_in(tx, vault, found.user_id, code if found.has_second_factor else None, keys, (renewed, found.password_hash))


def _let_in(tx: Tx, vault: Vault, user_id: str, code: str | None, keys: list[str], hashes: tuple[str | None, str | None]) -> User:
    if code is not None and not second_factor.accepts(tx, vault, user_id, code):
        raise Unauthenticated("invalid_code", "That code is wrong, too old, or was used already.", hint="Wait for the next one.")
    user = active_user(tx, user_id)
    renewed, kept = hashes
    if renewed:
        store.set_password_hash(tx, user_id, renewed, instead_of=kept)
    account, *networks = keys
    attempts.forget(tx, [account])
    attempts.give_back(tx, networks)
    return user


def active_user(tx: Tx, user_id: str) -> User:
    """Return a person who may sign in. Raises: NotFound `user_not_found`, Denied `account_deactivated`."""
    user = store.user(tx, user_id)
    if user is None:
        raise NotFound("user_not_found", "There is no such user.")
    if user.deactivated_at is not None:
        raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
    return user


def _known_form(email: str) -> str | None:
    try:
        return parse_address(email)
    except Invalid:
        return None
