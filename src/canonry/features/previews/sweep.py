"""The end of previews whose time is over, and of the memory of old webhook deliveries."""

import logging
import time

from canonry.core.errors import CanonryError
from canonry.features.previews import service, store
from canonry.features.previews.context import Context
from canonry.features.previews.webhook import deliveries

_log = logging.getLogger(__name__)
_EVERY = 20.0


class Sweep:
    """Asked once a second; looks now and then, and leaves the work to jobs. What it would have done while Canonry was down comes first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = 0.0

    def round(self) -> None:
        """Enqueue the closing of previews whose time is over."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            with self._context.transactions.begin() as tx:
                for preview in store.expired(tx):
                    service.close_soon(tx, preview, "its time is over")
                deliveries.forget_old(tx)
        except CanonryError as error:
            _log.warning("previews: %s", error)

    def close(self) -> None:
        """Stop looking."""
