"""The look at all repositories by the clock: a push that was announced by nobody, because something was killed, is announced."""

import logging
import time

from canonry.core.errors import CanonryError
from canonry.core.paths import Home
from canonry.features.git.repositories import service
from canonry.infra.tx import Transactions

_log = logging.getLogger(__name__)
_EVERY = 30.0  # seconds


class RepositoryRounds:
    """Asked once a second; looks now and then, first when Canonry has just started."""

    def __init__(self, transactions: Transactions, home: Home) -> None:
        self._transactions = transactions
        self._home = home
        self._next = 0.0

    def round(self) -> None:
        """Look where the default branches stand."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            service.look_at_all(self._transactions, self._home)
        except (CanonryError, OSError) as error:
            _log.warning("repositories: %s", error)

    def close(self) -> None:
        """Stop looking."""
