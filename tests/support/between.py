"""Letting the work of somebody else happen between two steps of what is tested."""

import threading
from collections.abc import Callable

import pytest

from canonry.infra.tx import Transactions
from tests.support.waiting import until


def once_before(monkeypatch: pytest.MonkeyPatch, place: object, name: str, work: Callable[[], object]) -> None:
    """Let `work` be done just before the next call of a function; the calls after that are as always."""
    _once(monkeypatch, place, name, before=work)


def once_after(monkeypatch: pytest.MonkeyPatch, place: object, name: str, work: Callable[[], object]) -> None:
    """Let `work` be done just after the next call of a function, which returns what it found before that."""
    _once(monkeypatch, place, name, after=work)


def beside(transactions: Transactions, work: Callable[[], object]) -> threading.Thread:
    """Begin `work` in a thread, and return when it is done or waits for a lock in the database: then whoever holds that goes on first."""
    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: not thread.is_alive() or _somebody_waits(transactions))
    return thread


def _once(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, *, before: Callable[[], object] | None = None,
    after: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    function = getattr(place, name)

    def with_company(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(place, name, function)
        if before is not None:
            before()
        found = function(*arguments, **options)
        if after is not None:
            after()
        return found

    monkeypatch.setattr(place, name, with_company)


def _somebody_waits(transactions: Transactions) -> bool:
    with transactions.begin() as tx:
        query = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        return tx.connection.execute(query).fetchone() == (True,)
