"""What follows for tokens and keys from what happened elsewhere."""

from typing import Protocol

from canonry.features import accounts
from canonry.features.tokens.events import CredentialsRevoked
from canonry.features.tokens.store import keys, tokens
from canonry.infra.tx import Transactions


class Context(Protocol):
    """The container, as far as these jobs use it."""

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type


def revoke_all(context: Context, organization_id: str, user_id: str) -> None:
    """Revoke every token and key of somebody who left an organization: they were refused at once, and stay so if the person comes back."""
    with context.transactions.begin() as tx:
        if count := tokens.revoke_all(tx, organization_id, user_id) + keys.revoke_all(tx, organization_id, user_id):
            tx.emit(CredentialsRevoked(organization_id, user_id), after={"count": count})


def revoke_everywhere(context: Context, user_id: str, organization_id: str) -> None:
    """Revoke every token and key of somebody who was deactivated: refused at once, they do not come back when the person does."""
    del organization_id  # where it is written down; all of them count
    with context.transactions.begin() as tx:
        places = [place.organization_id for place in accounts.memberships(tx, user_id)]
    for place in places:
        revoke_all(context, place, user_id)
