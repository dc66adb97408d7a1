"""What follows for sessions from what happened elsewhere."""

from typing import Protocol

from canonry.features.auth import service
from canonry.infra.tx import Transactions


class Context(Protocol):
    """The container, as far as these jobs use it."""

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type


def end_sessions(context: Context, user_id: str, organization_id: str, by_session: str = "") -> None:
    """End every session of a person whose password was changed, but for the one in which they did it: whoever knew the old one is out."""
    del organization_id  # the event's own field, which says nothing here
    with context.transactions.begin() as tx:
        service.end_all(tx, user_id, "password_changed", but=by_session)
