"""Keeps services alive: looks at each a few times per second and starts again what has died, ever more slowly when it does not stay up."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 15.0  # seconds between attempts
_STABLE = 30.0  # seconds after which a service counts as healthy and the pause begins small again


@dataclass(frozen=True)
class Kept:
    """One service: its name for the log, whether it runs, and how to start it (idempotent, may raise anything)."""

    name: str
    is_running: Callable[[], bool]
    start: Callable[[], object]


class Keeper:
    """A thread per service, so that one that is slow to start delays no other."""

    def __init__(self, services: Sequence[Kept], *, interval: float = 0.5) -> None:
        self._interval = interval
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._keep, args=(item,), name=f"keep-{item.name}", daemon=True) for item in services]

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Watch no more; returns when no start is under way. The services go on."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, service: Kept) -> None:
        pause = 0.0
        started = time.monotonic()
        while not self._stopping.wait(self._interval + pause):
            try:
                if service.is_running():
                    pause = 0.0 if time.monotonic() - started > _STABLE else pause
                    continue
                _log.warning("%s is gone: starting it again", service.name)
                service.start()
                _log.info("%s runs again", service.name)
            except Exception:  # noqa: BLE001 -- an edge: whatever it was, the keeper goes on
                _log.exception("%s does not start; trying again in %.1f s", service.name, self._interval + pause)
            started = time.monotonic()
            pause = min(_LONGEST_PAUSE, pause * 2 + 0.25)
