"""What was made of a known state, kept in this process until the state is another."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Kept[Value]:
    """Some values of a kind, each with the state it was made of. What was not asked for longest goes first. For many threads."""

    def __init__(self, most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        """Keep values of this weight together, each of 1 at least; one that is heavier alone is not kept."""
        self._most = most
        self._weigh = weigh
        self._values: OrderedDict[Hashable, tuple[Hashable, Value]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, state: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of `key`, made anew unless it was made of this state. Ask for the state before the value is made of it."""
        return self.renew(key, state, lambda _: make())

    def renew(self, key: Hashable, state: Hashable, make: Callable[[Value | None], Value]) -> Value:
        """Likewise; `make` is given the value of an earlier state, of which much may be right still, None when none is kept."""
        with self._lock:
            found = self._values.get(key)
            if found is not None and found[0] == state:
                self._values.move_to_end(key)
                return found[1]
        value = make(found[1] if found is not None else None)
        with self._lock:
            self._forget(key)
            self._values[key] = (state, value)
            self._weight += max(1, self._weigh(value))
            while self._weight > self._most:
                self._forget(next(iter(self._values)))
        return value

    def _forget(self, key: Hashable) -> None:
        if (gone := self._values.pop(key, None)) is not None:
            self._weight -= max(1, self._weigh(gone[1]))
