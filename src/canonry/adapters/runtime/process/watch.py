"""A thread that notices the end of instances at once, and looks after memory where no control group does.

It sleeps until a process ends; only instances without a control group make it look every second.
"""

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)
_AGAIN = 0.2
_LOOK = 1.0


@dataclass
class _Watched:
    instance_id: str
    limited: bool
    ended: bool = False


class Watcher:
    """on_end(id) is called once a watched process has ended, again and again until it returns True; on_look(id) every second.

    Both are called on the watcher's thread and must not block for long.
    """

    def __init__(self, on_end: Callable[[str], bool], on_look: Callable[[str], None]) -> None:
        self._on_end, self._on_look = on_end, on_look
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def add(self, instance_id: str, pid: int, *, look: bool) -> None:
        """Watch the process from now on; one that is watched already, or has gone, changes nothing. look: call on_look for it."""
        with self._lock:
            if self._closed or any(watched.instance_id == instance_id for watched in self._watched.values()):
                return
            try:
                self._watched[os.pidfd_open(pid)] = _Watched(instance_id, look)
            except OSError:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="instance-watch", daemon=True)
                self._thread.start()
        os.eventfd_write(self._wake, 1)

    def watches(self, instance_id: str) -> bool:
        """Say whether the instance is being watched."""
        with self._lock:
            return any(watched.instance_id == instance_id for watched in self._watched.values())

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        os.eventfd_write(self._wake, 1)
        if self._thread is not None:
            self._thread.join()
        for descriptor in [*self._watched, self._wake]:
            os.close(descriptor)
        self._watched.clear()

    def _run(self) -> None:
        while not self._closed:
            with self._lock:
                watched = dict(self._watched)
            self._wait(watched)
            for descriptor, item in watched.items():
                if self._is_done(item):
                    with self._lock:
                        del self._watched[descriptor]
                    os.close(descriptor)

    def _is_done(self, item: _Watched) -> bool:
        try:
            if item.ended:
                return self._on_end(item.instance_id)
            if item.limited:
                self._on_look(item.instance_id)
        except Exception:  # noqa: BLE001 -- the thread must live on; a full disk, for one, is tried again
            _LOG.exception("instance %s could not be looked after", item.instance_id)
        return False

    def _wait(self, watched: dict[int, _Watched]) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for descriptor, item in watched.items():
            if not item.ended:
                poll.register(descriptor, select.POLLIN)
        pause = (
            _AGAIN if any(item.ended for item in watched.values()) else _LOOK if any(item.limited for item in watched.values()) else None
        )
        for descriptor, _ in poll.poll(None if pause is None else pause * 1000):
            if descriptor == self._wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            else:
                watched[descriptor].ended = True
