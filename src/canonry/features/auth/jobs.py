"""What follows for sessions from what happened elsewhere."""

from typing import Protocol

from canonry.features import accounts
from canonry.features.auth import service
from canonry.infra.tx import Transactions


class Context(Protocol):
    """The container, as far as these jobs use it."""

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type


def end_sessions(context: Context, user_id: str, organization_id: str, by_session: str = "") -> None:
    """End the sessions of a person that count no more since the password was changed, or since they were deactivated."""
    del organization_id, by_session  # the event's own fields: what stands with the user by now counts
    with context.transactions.begin() as tx:
        is_out = accounts.get_user(tx, user_id).deactivated_at is not None
        service.end_refused(tx, user_id, "deactivated" if is_out else "password_changed")
