"""The rounds: now and then, every claim that is due is looked at again. Due times stand in the table, so a restart loses nothing."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from canonry.core.errors import CanonryError, NotFound
from canonry.features import projects
from canonry.features.domains import store, verification
from canonry.features.domains.context import Context
from canonry.features.domains.models import Domain

_log = logging.getLogger(__name__)
_EVERY = 5.0  # seconds between two looks at what is due
_AT_ONCE = 32  # claims of one round
_THREADS = 4
_LEASE_MINUTES = 5  # a look that a crash cut short comes again after this


class DomainRounds:
    """Looks at what is due. One at a time in a Canonry (the caller sees to that)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._background = ThreadPoolExecutor(1, thread_name_prefix="domains")
        self._looking: Future[None] | None = None
        self._next = 0.0

    def round(self) -> None:
        """See to it that somebody looks; name servers take their time, so that is done in the background."""
        if self._next <= time.monotonic() and (self._looking is None or self._looking.done()):
            self._next = time.monotonic() + _EVERY
            self._looking = self._background.submit(self._guarded)

    def look(self) -> None:
        """Look once at everything that is due; return when it is done."""
        with self._context.transactions.begin() as tx:
            due = store.take_due(tx, _AT_ONCE, _LEASE_MINUTES)
        if due:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="domains") as pool:
                list(pool.map(self._look, due))

    def close(self) -> None:
        """Start nothing more; what is under way ends by itself, and comes again after a start."""
        self._background.shutdown(wait=False, cancel_futures=True)

    def _guarded(self) -> None:
        try:
            self.look()
        except CanonryError as error:
            _log.warning("domains wait: %s", error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread
            _log.exception("domains")

    def _look(self, domain: Domain) -> None:
        try:
            with self._context.transactions.begin() as tx:
                project = projects.get_any(tx, domain.project_id)
            verification.look(self._context, project, domain)
        except NotFound:
            return  # deleted meanwhile
        except CanonryError as error:
            _log.warning("domain %s: %s", domain.hostname, error)
        except Exception:  # noqa: BLE001 -- one claim must not keep the others from being looked at; it is logged with its traceback
            _log.exception("domain %s", domain.hostname)
