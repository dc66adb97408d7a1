"""Events: written with their transaction, chained, and never changed."""

import dataclasses
import threading
from datetime import UTC, datetime
from typing import ClassVar

import psycopg
import pytest

from canonry.core.errors import Unavailable
from canonry.core.events import Event
from canonry.core.origin import Origin, current_origin
from canonry.infra.db import Database
from canonry.infra.jobs import Queue
from canonry.infra.tx import Transactions, Tx, event_hash


@dataclasses.dataclass(frozen=True)
class Happened(Event):
    name: ClassVar[str] = "thing.happened"
    thing_id: str


def _emit_and_fail(tx: Tx) -> None:
    tx.emit(Happened("org_1", "a"))
    tx.connection.execute("SELECT 1/0")


def _rows(transactions: Transactions, organization_id: str) -> list[tuple[object, ...]]:
    with transactions.begin() as tx:
        return tx.connection.execute(
            """SELECT name, payload, before, after, user_id, credential, address, request_id, at, hash FROM events
               WHERE organization_id = %s ORDER BY id""", (organization_id,),
        ).fetchall()  # fmt: skip


@pytest.fixture
def transactions(database: Database) -> Transactions:
    return Transactions(database, Queue({}))


def test_an_event_says_who_caused_it_and_what_changed(transactions: Transactions) -> None:
    token = current_origin.set(Origin("usr_1", "token tok_1", "192.0.2.1", "req_1"))
    try:
        with transactions.begin() as tx:
            tx.emit(Happened("org_1", "a"), before={"name": "x"}, after={"name": "ÿ"})
    finally:
        current_origin.reset(token)
    ((name, payload, before, after, *who, _at, _hash),) = _rows(transactions, "org_1")
    assert (name, payload) == ("thing.happened", {"organization_id": "org_1", "thing_id": "a"})
    assert (before, after) == ({"name": "x"}, {"name": "ÿ"})
    assert who == ["usr_1", "token tok_1", "192.0.2.1", "req_1"]


def test_what_was_rolled_back_did_not_happen(transactions: Transactions) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), transactions.begin() as tx:
        _emit_and_fail(tx)
    assert _rows(transactions, "org_1") == []


def test_events_of_many_threads_are_one_chain(transactions: Transactions) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            with transactions.begin() as tx:
                tx.emit(Happened("org_1", f"{number}-{turn}"))
                tx.emit(Happened("org_2", f"{number}-{turn}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for organization_id in ("org_1", "org_2"):
        rows, previous = _rows(transactions, organization_id), b""
        assert len(rows) == 30
        for name, payload, before, after, user_id, credential, address, request_id, at, digest in rows:
            assert isinstance(at, datetime)
            previous = event_hash(previous, {
                "name": name, "organization_id": organization_id, "payload": payload, "before": before, "after": after, "user_id": user_id,
                "credential": credential, "address": address, "request_id": request_id, "at": at.astimezone(UTC).isoformat(),
            })  # fmt: skip
            assert digest == previous


@pytest.mark.parametrize("statement", ["UPDATE events SET name = 'other'", "DELETE FROM events", "TRUNCATE events"])
@pytest.mark.criterion("identity#events-stay")
def test_nobody_changes_or_deletes_an_event(transactions: Transactions, statement: str) -> None:
    with transactions.begin() as tx:
        tx.emit(Happened("org_1", "a"))
    with pytest.raises(psycopg.errors.RaiseException), transactions.begin() as tx:
        tx.connection.execute(statement.encode())
    assert len(_rows(transactions, "org_1")) == 1


def test_what_only_reads_cannot_write_and_cannot_tell(transactions: Transactions) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), transactions.reading() as tx:
        tx.connection.execute("INSERT INTO users (id, email, name) VALUES ('usr_1', 'a@example.com', 'a')")
    with pytest.raises(RuntimeError, match="happened was emitted by something that only reads"), transactions.reading() as tx:
        tx.emit(Happened("org_1", "a"))
    assert _rows(transactions, "org_1") == []


def _backend(transactions: Transactions) -> int:
    with transactions.reading() as tx:
        row = tx.connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def test_questions_that_share_have_one_connection_and_only_their_thread_has_it(transactions: Transactions) -> None:
    others: list[int] = []
    with transactions.sharing():
        first = _backend(transactions)
        other = threading.Thread(target=lambda: others.append(_backend(transactions)))
        other.start()
        other.join()
        assert _backend(transactions) == first
    assert others != [first]
    with transactions.reading() as one, transactions.reading() as another:  # the block is over
        assert one.connection is not another.connection


def test_a_connection_that_is_shared_and_lost_is_told_and_forgotten(transactions: Transactions) -> None:
    with transactions.sharing():
        lost = _backend(transactions)
        with transactions.begin() as tx:
            tx.connection.execute("SELECT pg_terminate_backend(%s, 5000)", (lost,))
        with pytest.raises(Unavailable):
            _backend(transactions)
    with transactions.sharing():
        assert _backend(transactions) != lost


def test_what_only_reads_sees_what_was_committed_meanwhile(transactions: Transactions) -> None:
    with transactions.reading() as reading:
        with transactions.begin() as tx:
            tx.connection.execute("INSERT INTO users (id, email, name) VALUES ('usr_1', 'a@example.com', 'a')")
        assert reading.connection.execute("SELECT id FROM users").fetchall() == [("usr_1",)]


def test_a_connection_that_was_cut_while_it_was_idle_is_noticed_before_it_is_used(transactions: Transactions) -> None:
    with transactions.reading() as tx:
        pid = tx.connection.info.backend_pid
    with transactions.begin() as tx:
        tx.connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with transactions.reading() as tx:
        assert tx.connection.info.backend_pid != pid
        assert tx.connection.execute("SELECT 1").fetchone() == (1,)
