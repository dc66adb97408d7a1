"""How often somebody may call: counting, shared by every process that should share it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Hit:
    """What counting one call gave. used: calls in this window, this one included; resets_at: UNIX time at which the window ends."""

    used: int
    resets_at: float


class Rates(Protocol):
    """Counts calls in windows: one begins with the first call of a key and lasts the given seconds; the next call begins another."""

    def hit(self, key: str, seconds: int) -> Hit:
        """Count one call of `key`. Exact under concurrency: of n calls in one window each gets another number of 1 to n.

        Never raises and never waits long: where a counter is shared and cannot be reached, this process counts by itself.
        """
        ...
