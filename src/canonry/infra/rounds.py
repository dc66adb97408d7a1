"""What happens by the clock: parts that are asked once a second whether they have something to do (`wiring/rounds.py` lists them)."""

from typing import Protocol


class Rounds(Protocol):
    """What is done each time. It is called again and again in one thread: what takes long belongs into a thread of its own."""

    def round(self) -> None:
        """Look once at everything."""
        ...

    def close(self) -> None:
        """Stop looking."""
        ...
