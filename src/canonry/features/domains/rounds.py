"""The rounds: now and then, every claim that is due is looked at again. Due times stand in the table, so a restart loses nothing."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from canonry.core.errors import CanonryError, NotFound
from canonry.features import projects
from canonry.features.domains import certificates, store, verification
from canonry.features.domains.context import Context
from canonry.features.domains.models import Domain

_log = logging.getLogger(__name__)
_EVERY = 5.0  # seconds between two looks at what is due
_TIDY_EVERY = 60.0
_AT_ONCE = 32  # claims of one round
_THREADS = 4
_LEASE_MINUTES = 5  # a look that a crash cut short comes again after this


class DomainRounds:
    """Looks at what is due. One at a time in a Canonry (the caller sees to that)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._background = ThreadPoolExecutor(1, thread_name_prefix="domains")
        self._looking: Future[None] | None = None
        self._next = self._next_tidying = 0.0

    def round(self) -> None:
        """See to it that somebody looks; name servers take their time, so that is done in the background."""
        if self._next <= time.monotonic() and (self._looking is None or self._looking.done()):
            self._next = time.monotonic() + _EVERY
            self._looking = self._background.submit(self._guarded)

    def look(self) -> None:
        """Look once at everything that is due, claims first and then certificates; return when it is done."""
        with self._context.transactions.begin() as tx:
            due = store.take_due(tx, _AT_ONCE, _LEASE_MINUTES)
        self._all(self._look, due)
        if not self._context.settings.tls_is_on:
            return
        if self._next_tidying <= time.monotonic():
            certificates.tidy(self._context)
            self._next_tidying = time.monotonic() + _TIDY_EVERY
        with self._context.transactions.begin() as tx:
            due = store.take_due_certificates(tx, _AT_ONCE, _LEASE_MINUTES)
        self._all(partial(certificates.see_to, self._context), due)

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

    def _all(self, work: Callable[[Domain], object], due: list[Domain]) -> None:
        if due:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="domains") as pool:
                list(pool.map(partial(_alone, work), due))

    def _look(self, domain: Domain) -> None:
        with self._context.transactions.begin() as tx:
            project = projects.get_any(tx, domain.project_id)
        verification.look(self._context, project, domain)


def _alone(work: Callable[[Domain], object], domain: Domain) -> None:
    """Do the work for one domain; what goes wrong with it does not keep the others from having their turn."""
    try:
        work(domain)
    except NotFound:
        return  # deleted meanwhile
    except CanonryError as error:
        _log.warning("domain %s: %s", domain.hostname, error)
    except Exception:  # noqa: BLE001 -- an edge; it is logged with its traceback
        _log.exception("domain %s", domain.hostname)
