"""When the metrics are taken: every ten seconds, in a thread beside the watch, by the one process that holds its lock."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from canonry.core.errors import CanonryError
from canonry.features.observe.context import Context
from canonry.features.observe.metrics.collect import Looker, count_requests
from canonry.features.observe.metrics.models import MINUTE, TEN_SECONDS
from canonry.features.observe.metrics.rollup import roll_up

_log = logging.getLogger(__name__)


class Sampler:
    """Takes samples; `round` is called about once a second and never waits."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looker = Looker(context)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sampler")
        self._under_way: Future[None] | None = None
        self._sampled = self._rolled = 0

    def round(self) -> None:
        """Begin a sample when a step has ended and the last one is done."""
        step = int(time.time() // TEN_SECONDS)
        if step == self._sampled or (self._under_way is not None and not self._under_way.done()):
            return
        self._sampled = step
        self._under_way = self._pool.submit(self._guarded)

    def close(self) -> None:
        """Take no more samples."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def sample(self) -> None:
        """Count the requests, look at the instances, and once a minute add up."""
        while count_requests(self._context):
            pass
        self._looker.look()
        minute = int(time.time() // MINUTE)
        if minute != self._rolled:
            roll_up(self._context)
            self._rolled = minute

    def _guarded(self) -> None:
        try:
            self.sample()
        except CanonryError as error:
            _log.warning("metrics: %s", error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread: the next step tries again
            _log.exception("metrics")
