"""Setting somebody's password."""

from canonry.core.secret import Secret
from canonry.features.accounts import hashes, service
from canonry.features.accounts.events import PasswordChanged
from canonry.features.accounts.rules import check_password
from canonry.features.accounts.store import users as store
from canonry.infra.tx import Transactions


def set_password(transactions: Transactions, user_id: str, password: Secret) -> None:
    """Give somebody a password. Call it outside of any transaction: the hash takes 30 ms.

    All sessions of the person end (`user.password_changed`). Raises: NotFound `user_not_found`, Invalid `weak_password`.
    """
    with transactions.begin() as tx:
        user = service.get_user(tx, user_id)
    made = hashes.make_hash(check_password(password.reveal(), user.email))
    with transactions.begin() as tx:
        store.set_password_hash(tx, user_id, made)
        tx.emit(PasswordChanged(service.home_organization(tx, user_id), user_id))
