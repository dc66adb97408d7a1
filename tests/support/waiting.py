"""Waiting for something that another process does."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], timeout: float = 60) -> None:
    """Return as soon as `condition()` is true. Raises: AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not true within {timeout:g} s"
        time.sleep(0.01)
