"""The look by the clock at links that were broken: their tickets may be there again, or no spec may name them any more."""

import logging
import time

from canonry.core.errors import CanonryError
from canonry.features import specs
from canonry.features.tickets.context import Context
from canonry.features.tickets.queue import FOLLOW

_log = logging.getLogger(__name__)
_EVERY = 600.0  # seconds; each link is looked at once a day


class TicketRounds:
    """Asked once a second; looks now and then, and leaves the work to jobs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = 0.0

    def round(self) -> None:
        """Let broken links that nobody looked at for a day be looked at again; forget those that stand nowhere."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            with self._context.transactions.begin() as tx:
                for repository_id, organization_id, system, ticket_id in specs.overdue_tickets(tx):
                    tx.enqueue(FOLLOW, repository_id=repository_id, organization_id=organization_id, system=system, ticket_id=ticket_id)
        except CanonryError as error:
            _log.warning("tickets: %s", error)

    def close(self) -> None:
        """Stop looking."""
