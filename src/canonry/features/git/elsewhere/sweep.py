"""The look at repositories at a host by the clock: what it told us of and we did not hear, or could not fetch, is fetched."""

from canonry.features.git.elsewhere import store
from canonry.features.git.elsewhere.queue import FETCH
from canonry.infra.tx import Transactions

_AFTER = 600  # seconds after which a repository is asked for again


def fetch_stale(transactions: Transactions) -> None:
    """Have what was fetched long ago fetched."""
    with transactions.begin() as tx:
        for repository_id in store.long_ago(tx, _AFTER):
            tx.enqueue(FETCH, repository_id=repository_id)
