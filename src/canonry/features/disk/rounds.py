"""The disk by the clock: looked at every few seconds, made room on when it has passed a mark, its budgets kept once an hour."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from canonry.core.errors import CanonryError
from canonry.features.disk import governor, rules, store
from canonry.features.disk.context import Context
from canonry.features.disk.events import DiskMarkChanged
from canonry.features.disk.models import Mark

_log = logging.getLogger(__name__)
_LOOK_EVERY = 5.0
_CLEAN_AGAIN = 60.0
_BUDGETS_EVERY = 3600.0


class DiskRounds:
    """Looks at the disk; `round` never waits: what takes long is done in a thread of its own."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")
        self._under_way: Future[None] | None = None
        self._next_look = self._next_cleaning = 0.0
        self._next_budgets = time.monotonic() + 60.0
        self._mark: Mark | None = None

    def round(self) -> None:
        """Look at the disk, and begin what has to be done."""
        at = time.monotonic()
        if at < self._next_look:
            return
        self._next_look = at + _LOOK_EVERY
        mark = rules.mark_of(self._context.settings, self._context.ports.disk.space())
        if mark is not self._mark:
            self._tell(mark)
            self._mark = mark
        if self._under_way is not None and not self._under_way.done():
            return
        if mark is not Mark.FINE and at >= self._next_cleaning:
            self._next_cleaning = at + _CLEAN_AGAIN
            self._under_way = self._pool.submit(self._guarded, tight=True)
        elif at >= self._next_budgets:
            self._next_budgets = at + _BUDGETS_EVERY
            self._under_way = self._pool.submit(self._guarded, tight=False)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tell(self, mark: Mark) -> None:
        with self._context.transactions.begin() as tx:
            before = store.change_mark(tx, mark)
            if before is not None:
                tx.emit(DiskMarkChanged("", str(mark)), before={"mark": str(before)}, after={"mark": str(mark)})

    def _guarded(self, *, tight: bool) -> None:
        try:
            removed = governor.keep_budgets(self._context)
            if tight:
                removed += governor.make_room(self._context.settings, self._context.ports.disk, self._context.ports.builder)
            governor.enqueue_tidying(self._context)
            if removed:
                _log.info("disk: removed %d things of %d MiB", len(removed), sum(item.bytes for item in removed) >> 20)
        except (CanonryError, OSError) as error:
            _log.warning("disk: %s", error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread: the next round tries again
            _log.exception("disk")
