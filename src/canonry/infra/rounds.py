"""What happens by the clock: parts that are asked once a second whether they have something to do (`wiring/rounds.py` lists them)."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from canonry.core.errors import CanonryError

_log = logging.getLogger(__name__)


class Rounds(Protocol):
    """What is done each time. It is called again and again in one thread: what takes long belongs into a thread of its own."""

    def round(self) -> None:
        """Look once at everything."""
        ...

    def close(self) -> None:
        """Stop looking."""
        ...


class Every:
    """Short work that has its turn every so many seconds, first when Canonry has just started.

    What fails with a CanonryError or OSError is logged under this name and done again at the next turn.
    """

    def __init__(self, seconds: float, name: str, work: Callable[[], None]) -> None:
        self._seconds, self._name, self._work = seconds, name, work
        self._next = 0.0

    def round(self) -> None:
        """Do it when it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._seconds
        try:
            self._work()
        except (CanonryError, OSError) as error:
            _log.warning("%s: %s", self._name, error)

    def close(self) -> None:
        """Nothing is held."""
