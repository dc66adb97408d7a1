"""Sockets and timers: who is told when a socket can be read or written, and when a time has come."""

import heapq
import itertools
import select
import time
from collections.abc import Callable

READ, WRITE, ENDED = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR


class Loop:
    """Calls back. Level-triggered; a handler that raises ends the process, so handlers catch what can happen to a socket."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._resting: set[int] = set()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def watch(self, descriptor: int, events: int, handler: Callable[[int], None]) -> None:
        """Call `handler(events)` whenever one of `events` (or an error) is there."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, events)

    def change(self, descriptor: int, events: int) -> None:
        """Wait for other events of a watched descriptor; one that rested does so no longer."""
        if descriptor in self._resting:
            self._resting.discard(descriptor)
            self._epoll.register(descriptor, events)
        else:
            self._epoll.modify(descriptor, events)

    def rest(self, descriptor: int) -> None:
        """Hear nothing of a descriptor until `change` is called: an end (ENDED) is told over and over, whatever one waits for."""
        if descriptor not in self._resting:
            self._resting.add(descriptor)
            self._epoll.unregister(descriptor)

    def forget(self, descriptor: int) -> None:
        """Watch it no more; call this before closing it."""
        if self._handlers.pop(descriptor, None) is None:
            return
        if descriptor in self._resting:
            self._resting.discard(descriptor)
        else:
            self._epoll.unregister(descriptor)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once, in so many seconds."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def run(self) -> None:
        """Go on for ever."""
        while True:
            self.turn(max(self._timers[0][0] - time.monotonic(), 0) if self._timers else -1)

    def turn(self, pause: float) -> int:
        """Wait so many seconds for events (-1: for ever); call whom they are for, then whose time has come. Returns how many."""
        handlers, timers = self._handlers, self._timers
        happened = self._epoll.poll(pause)
        for descriptor, events in happened:
            handler = handlers.get(descriptor)
            if handler is not None:
                handler(events)
        while timers and timers[0][0] <= time.monotonic():
            heapq.heappop(timers)[2]()
        return len(happened)
