"""How soon something that has ended is started again: at once, and ever more slowly when it cannot be started."""

import time
from collections.abc import Callable

_AT_ONCE = 3  # starts in a row
_STABLE = 30.0  # seconds after which a start no longer belongs to the row
_LONGEST_PAUSE = 60.0  # seconds


class Restarts:
    """Remembers who was started when. Threads may share one. clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: dict[str, tuple[int, float]] = {}  # name → how many starts in a row, when the last one was

    def may(self, name: str) -> bool:
        """Say whether it may be started now."""
        count, last = self._rows.get(name, (0, 0.0))
        return self._clock() >= last + _pause(count) if count else True

    def begins(self, name: str) -> None:
        """Remember that it is being started."""
        count, last = self._rows.get(name, (0, 0.0))
        row = count + 1 if count and self._clock() - last < _STABLE + _pause(count) else 1
        self._rows[name] = (row, self._clock())

    def forget(self, name: str) -> None:
        """Begin anew with one: it has been started."""
        self._rows.pop(name, None)

    def forget_all_but(self, names: set[str]) -> None:
        """Remember only these."""
        for name in self._rows.keys() - names:
            self.forget(name)


def _pause(count: int) -> float:
    """Return how long to wait after so many starts in a row."""
    return 0.0 if count < _AT_ONCE else min(_LONGEST_PAUSE, 2.0 ** (min(count, 10) - _AT_ONCE + 1))
