"""Calls counted in this process. Bounded: however many addresses call, memory is not theirs to fill."""

import threading
import time
from collections.abc import Callable

from canonry.ports.rates import Hit

_MOST = 100_000  # windows kept at a time; about 20 MB


class MemoryRates:
    """Counts in a dictionary behind a lock."""

    def __init__(self, clock: Callable[[], float] = time.time, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}

    def hit(self, key: str, seconds: int) -> Hit:
        """Count one call of `key`."""
        with self._lock:
            moment = self._clock()
            used, resets_at = self._windows.get(key, (0, 0.0))
            if resets_at <= moment or resets_at > moment + seconds:  # the second: the machine's clock was set back
                used, resets_at = 0, moment + seconds
                if len(self._windows) >= self._most:
                    self._make_room(moment)
            self._windows[key] = (used + 1, resets_at)
            return Hit(used + 1, resets_at)

    def _make_room(self, moment: float) -> None:
        """Drop the windows that are over; where none is, the oldest half: then the ones in most use begin anew, which harms nobody."""
        kept = {key: window for key, window in self._windows.items() if window[1] > moment}
        if len(kept) >= self._most:
            kept = dict(sorted(kept.items(), key=lambda item: item[1][1])[len(kept) // 2 :])
        self._windows = kept
