"""Inserts run through everything that can happen to a database; in the end each that was acknowledged is there. Real servers."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import psycopg
import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.features import databases
from canonry.features.backups.archiving import rounds as archiving_rounds
from canonry.features.backups.archiving import service as archiving
from canonry.features.backups.archiving.models import Due, Kind, State, Trigger
from canonry.features.backups.archiving.rounds import ArchiveRounds
from canonry.features.backups.proofs import drill
from canonry.features.backups.restores import exchange, moments
from canonry.features.databases import DatabaseRounds
from canonry.infra.files import exchange as exchange_files
from tests.support.api import Api
from tests.support.databases import ask, row_of
from tests.support.restores import ask_for, exchanged, moment, restored, with_backup
from tests.support.waiting import until


class Load:
    """Inserts numbers, one after the other, connects again whenever it is cut off, and remembers which were acknowledged."""

    def __init__(self, url: str) -> None:
        self.acknowledged: list[int] = []
        self._url, self._stop, self._number = url, threading.Event(), 0
        ask(url, "CREATE TABLE load (n bigint PRIMARY KEY)")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def goes_on(self, rows: int = 30) -> None:
        """Return when so many further rows were acknowledged."""
        count = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= count + rows, 120)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(120)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=70) as connection:
                    while not self._stop.is_set():
                        self._number += 1
                        connection.execute("INSERT INTO load VALUES (%s)", (self._number,))
                        self.acknowledged.append(self._number)
            except psycopg.OperationalError:
                continue


class Paced(FolderObjects):
    """A folder that does something in the middle of the first object that it is given."""

    def __init__(self, api: Api, then: Callable[[], None]) -> None:
        super().__init__(api.container.home.backups)
        self._then: Callable[[], None] | None = then

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        def paced() -> Iterator[bytes]:
            for chunk in chunks:
                yield chunk
                if self._then is not None:
                    then, self._then = self._then, None
                    then()

        return super().put(key, paced())


@pytest.fixture
def rounds(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do by the clock what a running Canonry does: what died is started, segments are sent. Nothing is backed up by itself."""
    monkeypatch.setattr(archiving_rounds, "_LIST_EVERY", 0.2)
    monkeypatch.setattr(archiving_rounds, "_AGAIN", 0.2)
    monkeypatch.setattr(ArchiveRounds, "_begin_due", lambda _self: None)
    everything = (DatabaseRounds(api.container), ArchiveRounds(api.container), api.container.ports.clusters)
    ending = threading.Event()

    def look() -> None:
        while not ending.wait(0.1):
            for each in everything:
                each.round()

    thread = threading.Thread(target=look)
    thread.start()
    yield
    ending.set()
    thread.join()
    for each in everything:
        each.close()


def kill(api: Api, cluster_id: str) -> None:
    """End a database's server as a power cut would."""
    state = api.container.ports.clusters.state(cluster_id)
    assert state is not None
    assert state.pid is not None
    os.kill(state.pid, signal.SIGKILL)


def numbers(url: str) -> set[int]:
    return {row[0] for row in ask(url, "SELECT n FROM load")}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("rounds")
def test_every_acknowledged_row_is_there_after_all_of_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = api.project("shop")
    url = with_backup(api, shop)
    live, load = row_of(api, shop), Load(url)
    try:
        load.goes_on()
        kill(api, live.cluster_id)  # during writes
        load.goes_on()
        _killed_during_a_base_backup(api, shop, load)
        _archive_away(api, load, url)
        _killed_during_a_restore_and_a_promote(api, shop, load, monkeypatch)
    finally:
        load.stop()


def _killed_during_a_base_backup(api: Api, shop: str, load: Load) -> None:
    live = row_of(api, shop)
    ports = replace(api.container.ports, objects=Paced(api, lambda: kill(api, live.cluster_id)))
    backup = archiving.make(replace(api.container, ports=ports), live, Due(Kind.FULL, Trigger.MANUAL))
    assert backup is not None
    assert backup.state is State.FAILED
    load.goes_on()
    again = archiving.make(api.container, row_of(api, shop), Due(Kind.FULL, Trigger.MANUAL))
    assert again is not None
    assert again.state is State.DONE, again.error


def _archive_away(api: Api, load: Load, url: str) -> None:
    folder, file = api.container.home.backups, api.container.home.root / "in the way"
    file.touch()
    exchange_files(folder, file)
    load.goes_on()
    ask(url, "CREATE TABLE bulk AS SELECT md5(n::text) FROM generate_series(1, 100000) AS n")  # more than a segment
    load.goes_on()
    exchange_files(folder, file)


def _killed_during_a_restore_and_a_promote(api: Api, shop: str, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    url, live = load._url, row_of(api, shop)
    lay_out, step = moments.lay_out, exchange._step
    at, upto = moment(), len(load.acknowledged)
    ask(url, "DROP TABLE notes")

    def laying_out(*arguments: object) -> object:
        kill(api, live.cluster_id)
        monkeypatch.setattr(moments, "lay_out", lay_out)
        refused = api.ask("POST", f"/v1/projects/{shop}/database/restores", {"at": at})  # a second one at the same time
        assert refused.error == (409, "restore_in_progress")
        return lay_out(*arguments)  # type: ignore[arg-type]  # passed on as they come

    monkeypatch.setattr(moments, "lay_out", laying_out)
    restore = restored(api, shop, at)
    assert restore["state"] == "ready", restore
    load.goes_on()

    def stepping(context: exchange.Context, row: exchange.Restore, name: str) -> None:
        step(context, row, name)
        if name == "switching":
            for cluster in (row.database_id, row.target_id):
                kill(api, str(cluster))

    monkeypatch.setattr(exchange, "_step", stepping)
    promoted = exchanged(api, shop, restore, "promote")
    assert (promoted["state"], promoted["error"]) == ("promoted", None)
    monkeypatch.setattr(exchange, "_step", step)
    before_undo = len(load.acknowledged)
    load.goes_on()
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    assert set(load.acknowledged[:upto]) <= numbers(url)
    load.stop()
    here = numbers(url)
    assert exchanged(api, shop, restore, "undo")["state"] == "ready"
    there = numbers(url)
    assert set(load.acknowledged) <= here | there
    assert set(load.acknowledged[before_undo:]) <= here  # what was acknowledged after the promote is where it was promised
    assert row_of(api, shop).id == live.id


def test_what_the_former_one_wrote_last_can_be_restored_to_after_a_promote(api: Api) -> None:
    shop = api.project("shop")
    url = with_backup(api, shop)
    restore = restored(api, shop, moment())
    ask(url, "INSERT INTO notes (body) VALUES ('just before')")
    at = moment()
    ask(url, "DELETE FROM notes")
    assert exchanged(api, shop, restore, "promote")["state"] == "promoted"
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]
    again = restored(api, shop, at)
    assert again["state"] == "ready", again
    assert [(item["live"], item["restored"]) for item in again["difference"]["tables"]] == [(2, 3)]


def test_a_restore_and_a_drill_whose_jobs_were_given_up_are_taken_up_again(api: Api) -> None:
    from canonry.features.backups.proofs.rounds import ProofRounds  # noqa: PLC0415 -- names that are taken here
    from canonry.features.backups.restores.rounds import RestoreRounds  # noqa: PLC0415 -- likewise

    shop = api.project("shop")
    with_backup(api, shop)
    restore = ask_for(api, shop, moment())
    proof = api.ask("POST", f"/v1/projects/{shop}/database/drill").json["proof"]
    names = ("restores.prepare", "proofs.drill")

    def waiting() -> list[tuple[str, str]]:
        with api.container.transactions.begin() as tx:
            query = """SELECT task_name, coalesce(args->>'restore_id', args->>'proof_id') FROM procrastinate_jobs
                WHERE task_name = ANY(%s) AND status = 'todo' ORDER BY 1"""
            return [(row[0], row[1]) for row in tx.connection.execute(query, (list(names),)).fetchall()]

    before = waiting()
    assert before == [("proofs.drill", proof["id"]), ("restores.prepare", restore["id"])]
    for _ in range(2):
        RestoreRounds(api.container).round()
        ProofRounds(api.container).round()
    assert waiting() == before
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = ANY(%s)", (list(names),))
        tx.connection.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = ANY(%s)", (list(names),))
    for _ in range(2):
        RestoreRounds(api.container).round()
        ProofRounds(api.container).round()
    assert waiting() == before


def test_a_bug_in_a_drill_ends_it_as_failed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = api.project("shop")
    with_backup(api, shop)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(databases, "register", broken)
    proof_id = api.ask("POST", f"/v1/projects/{shop}/database/drill").json["proof"]["id"]
    drill.run(api.container, proof_id)
    proof = api.get(f"/v1/projects/{shop}/database/proofs/{proof_id}")["proof"]
    assert (proof["result"], "internal_error" in proof["document"]) == ("failed", True)
