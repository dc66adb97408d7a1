"""The snapshot of each day."""

from canonry.core.clock import now
from canonry.features.coverage import store
from canonry.infra.tx import Transactions


def take_snapshots(transactions: Transactions) -> None:
    """Write what every spec has done by now; the last one of a day stays."""
    with transactions.begin() as tx:
        store.take(tx, now().date())
