"""The end of previews whose time is over, and of the memory of old webhook deliveries."""

from canonry.features.previews import service, store
from canonry.features.previews.webhook import deliveries
from canonry.infra.tx import Transactions


def close_expired(transactions: Transactions) -> None:
    """Enqueue the closing of previews whose time is over."""
    with transactions.begin() as tx:
        for preview in store.expired(tx):
            service.close_soon(tx, preview, "its time is over")
        deliveries.forget_old(tx)
