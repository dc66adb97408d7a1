"""The look at repositories at a host by the clock: what it told us of and we did not hear, or could not fetch, is fetched."""

import logging
import time

from canonry.core.errors import CanonryError
from canonry.features.git.elsewhere import store
from canonry.features.git.elsewhere.queue import FETCH
from canonry.infra.tx import Transactions

_log = logging.getLogger(__name__)
_EVERY, _AFTER = 30.0, 600  # seconds: between two looks, and after which a repository is asked for again


class ElsewhereRounds:
    """Asked once a second; looks now and then, and leaves the work to jobs."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._next = 0.0

    def round(self) -> None:
        """Have what was fetched long ago fetched."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            with self._transactions.begin() as tx:
                for repository_id in store.long_ago(tx, _AFTER):
                    tx.enqueue(FETCH, repository_id=repository_id)
        except CanonryError as error:
            _log.warning("repositories elsewhere: %s", error)

    def close(self) -> None:
        """Stop looking."""
