"""The look by the clock at links that were broken: their tickets may be there again, or no spec may name them any more."""

from canonry.features import specs
from canonry.features.tickets.queue import FOLLOW
from canonry.infra.tx import Transactions


def follow_broken_links(transactions: Transactions) -> None:
    """Let broken links that nobody looked at for a day be looked at again; forget those that stand nowhere."""
    with transactions.begin() as tx:
        for repository_id, organization_id, system, ticket_id in specs.overdue_tickets(tx):
            tx.enqueue(FOLLOW, repository_id=repository_id, organization_id=organization_id, system=system, ticket_id=ticket_id)
