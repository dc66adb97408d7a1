"""Ten seconds become minutes, minutes become ten minutes, and what is old goes: 30 days of a project are about 8,000 rows.

A step is made of the finer ones when it is over, and written in the place of what was there: making it twice changes nothing.
"""

from datetime import datetime, timedelta

from canonry.core.clock import now
from canonry.features.observe.context import Context
from canonry.features.observe.metrics import store
from canonry.features.observe.metrics.models import MINUTE, TEN_MINUTES, TEN_SECONDS, resample, start_of
from canonry.infra.tx import Tx

KEPT = {TEN_SECONDS: timedelta(hours=2), MINUTE: timedelta(days=2), TEN_MINUTES: timedelta(days=30)}
"""How long the samples of each step are kept."""


def roll_up(context: Context) -> None:
    """Make the minutes that are over, and the ten minutes, and delete what is older than it is kept."""
    moment = now()
    with context.transactions.begin() as tx:
        state = store.lock(tx)
        minutes_until, tens_until = start_of(moment, MINUTE), start_of(moment, TEN_MINUTES)
        _make(tx, TEN_SECONDS, MINUTE, state.minutes_until, minutes_until)
        _make(tx, MINUTE, TEN_MINUTES, state.tens_until, tens_until)
        if state.tens_until != tens_until:
            for step, kept in KEPT.items():
                store.delete_before(tx, step, moment - kept)
        if (state.minutes_until, state.tens_until) != (minutes_until, tens_until):
            store.set_rolled(tx, minutes_until, tens_until)


def _make(tx: Tx, fine: int, coarse: int, start: datetime | None, end: datetime) -> None:
    if start is not None and start >= end:
        return
    for number, samples in store.between(tx, fine, start, end).items():
        store.put(tx, coarse, [(number, sample) for sample in resample(samples, coarse)])
