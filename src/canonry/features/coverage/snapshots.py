"""The snapshot of each day."""

import logging
import time

from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.features.coverage import store
from canonry.infra.tx import Transactions

_log = logging.getLogger(__name__)
_EVERY = 900.0  # seconds; the last one of a day stays


class Snapshots:
    """Asked once a second; writes today's figures now and then, first when Canonry has just started."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._next = 0.0

    def round(self) -> None:
        """Write what every spec has done by now."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            with self._transactions.begin() as tx:
                store.take(tx, now().date())
        except CanonryError as error:
            _log.warning("coverage: %s", error)

    def close(self) -> None:
        """Stop looking."""
