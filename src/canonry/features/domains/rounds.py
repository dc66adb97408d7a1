"""The rounds: now and then, every claim that is due is looked at again. Due times stand in the table, so a restart loses nothing."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
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
        self._busy: dict[str, threading.Thread] = {}
        self._closing = False
        self._next = self._next_tidying = 0.0

    def round(self) -> None:
        """See to it that somebody looks. Name servers take their time and authorities even more, so each is done in the background."""
        if self._next > time.monotonic():
            return
        self._next = time.monotonic() + _EVERY
        for name, part in (("claims", self._look_at_claims), ("certificates", self._look_at_certificates)):
            before = self._busy.get(name)
            if before is None or not before.is_alive():
                self._busy[name] = _started(partial(_guarded, part), name)

    def look(self) -> None:
        """Look once at everything that is due, claims first and then certificates; return when it is done."""
        self._look_at_claims()
        self._look_at_certificates()

    def _look_at_claims(self) -> None:
        with self._context.transactions.begin() as tx:
            due = store.take_due(tx, _AT_ONCE, _LEASE_MINUTES)
        self._all(self._look, due)

    def _look_at_certificates(self) -> None:
        if not self._context.settings.tls_is_on:
            return
        if self._next_tidying <= time.monotonic():
            certificates.tidy(self._context)
            self._next_tidying = time.monotonic() + _TIDY_EVERY
        with self._context.transactions.begin() as tx:
            due = store.take_due_certificates(tx, _AT_ONCE, _LEASE_MINUTES)
        self._all(partial(certificates.see_to, self._context), due)

    def close(self) -> None:
        """Start nothing more. What is under way does not keep the process from ending, and comes again after a start."""
        self._closing = True

    def _all(self, work: Callable[[Domain], object], due: list[Domain]) -> None:
        """Do the work for each, several at the same time; return when all is done."""
        left = deque(due)

        def take() -> None:
            while left and not self._closing:
                with contextlib.suppress(IndexError):  # another thread took the last one
                    _alone(work, left.popleft())

        for thread in [_started(take, "domain") for _ in range(min(_THREADS, len(due)))]:
            thread.join()

    def _look(self, domain: Domain) -> None:
        with self._context.transactions.begin() as tx:
            project = projects.get_any(tx, domain.project_id)
        verification.look(self._context, project, domain)


def _started(work: Callable[[], None], name: str) -> threading.Thread:
    # Not a pool: Python waits for its threads when it ends, and an authority may take minutes.
    thread = threading.Thread(target=work, name=f"domains-{name}", daemon=True)
    thread.start()
    return thread


def _guarded(part: Callable[[], None]) -> None:
    try:
        part()
    except CanonryError as error:
        _log.warning("domains wait: %s", error)
    except Exception:  # noqa: BLE001 -- the edge of a background thread
        _log.exception("domains")


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
