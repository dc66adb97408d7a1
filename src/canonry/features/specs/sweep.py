"""The look at all indexes by the clock: what a crash left, or a new version reads otherwise, is indexed again."""

import logging
import time

from canonry.core.errors import CanonryError
from canonry.features.specs.context import Context
from canonry.features.specs.extraction import RULES
from canonry.features.specs.queue import INDEX
from canonry.features.specs.store import states

_log = logging.getLogger(__name__)
_EVERY = 30.0  # seconds


class IndexSweep:
    """Asked once a second; looks now and then, and leaves the work to jobs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = 0.0

    def round(self) -> None:
        """Enqueue the indexing of repositories whose index is not of the commit that was announced last."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            with self._context.transactions.begin() as tx:
                for repository_id in states.stale(tx, RULES):
                    tx.enqueue(INDEX, repository_id=repository_id)
        except CanonryError as error:
            _log.warning("specs: %s", error)

    def close(self) -> None:
        """Stop looking."""
