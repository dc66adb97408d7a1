"""Archiving by the clock, on real databases of projects."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from canonry.core.clock import now
from canonry.features.backups.archiving import rounds as archiving
from canonry.features.backups.archiving import service, store
from canonry.features.backups.archiving.models import DatabaseBackup, Due, Kind, State, Trigger
from canonry.features.backups.archiving.rounds import ArchiveRounds, alarms
from canonry.features.notifications.jobs import note_backup
from canonry.infra.backup import base, dump, wal
from tests.support.api import Api
from tests.support.databases import ask, made, row_of
from tests.support.mail import waiting
from tests.support.waiting import until


@pytest.fixture
def rounds(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveRounds]:
    monkeypatch.setattr(archiving, "_DUE_EVERY", 0.2)
    monkeypatch.setattr(archiving, "_LIST_EVERY", 0.2)
    monkeypatch.setattr(archiving, "_AGAIN", 0.2)
    archiving._behind.clear()
    rounds = ArchiveRounds(api.container)
    yield rounds
    rounds.close()
    until(lambda: all(future.done() for future in rounds._busy.values()), 60)


def until_round(rounds: ArchiveRounds, done: Callable[[], object]) -> None:
    def look() -> bool:
        rounds.round()
        return bool(done())

    until(look, 60)


def hasten_archiving(api: Api, slug: str) -> None:
    """Let the server end a segment that nothing fills after one second, which takes a minute in earnest."""
    url = api.container.ports.clusters.admin_url(row_of(api, slug).cluster_id).reveal()
    assert ask(url, "SHOW archive_timeout") == [("50s",)]
    ask(url, "ALTER SYSTEM SET archive_timeout = 1")
    ask(url, "SELECT pg_reload_conf()")


def backups(api: Api, slug: str) -> list[DatabaseBackup]:
    cluster = row_of(api, slug).cluster_id
    with api.container.transactions.begin() as tx:
        return store.of_clusters(tx, [cluster])[cluster]


def of_state(api: Api, slug: str, state: State) -> list[DatabaseBackup]:
    return [backup for backup in backups(api, slug) if backup.state is state]


def events(api: Api, name: str) -> list[dict[str, object]]:
    with api.container.transactions.begin() as tx:
        return [row[0] for row in tx.connection.execute("SELECT after FROM events WHERE name = %s ORDER BY at", (name,)).fetchall()]


def test_a_new_database_is_backed_up_at_once_and_its_changes_follow(api: Api, rounds: ArchiveRounds) -> None:
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT generate_series(1, 10) AS n")
    until_round(rounds, lambda: of_state(api, slug, State.DONE))
    first = backups(api, slug)[0]
    assert (first.kind, first.trigger, first.exact) == (Kind.FULL, Trigger.DAILY, True)
    assert first.rows is not None
    assert first.rows["app"] == {"public.t": 10}
    assert first.size_bytes > 0
    assert [event["kind"] for event in events(api, "database_backup.made") if event is not None] == ["full"]
    ask(url, "INSERT INTO t VALUES (11)")
    hasten_archiving(api, slug)
    before = len(wal.segments(service.archive_of(api.container, row_of(api, slug).cluster_id)))
    until_round(rounds, lambda: len(wal.segments(service.archive_of(api.container, row_of(api, slug).cluster_id))) > before)


def test_next_day_an_incremental_one_next_night_a_dump_and_what_is_old_goes(api: Api, rounds: ArchiveRounds) -> None:
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    until_round(rounds, lambda: of_state(api, slug, State.DONE))
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE database_backups SET started_at = started_at - interval '25 hours'")
    until_round(rounds, lambda: len(of_state(api, slug, State.DONE)) == 3)
    kinds = {backup.kind: backup for backup in backups(api, slug)}
    assert set(kinds) == {Kind.FULL, Kind.INCREMENTAL, Kind.DUMP}
    assert kinds[Kind.INCREMENTAL].parent_id == kinds[Kind.FULL].id
    assert kinds[Kind.INCREMENTAL].size_bytes < kinds[Kind.FULL].size_bytes / 2
    archive = service.archive_of(api.container, row_of(api, slug).cluster_id)
    assert [found.id for found in base.find_all(archive)] == [kinds[Kind.FULL].id, kinds[Kind.INCREMENTAL].id]
    assert [found.counts for found in dump.find_all(archive)] == [{"public.t": 1}]
    service.clear(api.container, row_of(api, slug))
    assert len(backups(api, slug)) == 3  # all are young


def test_while_the_archive_is_away_a_backup_fails_is_told_and_is_made_when_it_is_back(api: Api, rounds: ArchiveRounds) -> None:
    folder = api.container.home.backups
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("where the folder should be")
    slug = api.project()
    made(api, slug, sleeps=False)
    until_round(rounds, lambda: of_state(api, slug, State.FAILED))
    failed = of_state(api, slug, State.FAILED)[0]
    assert failed.error is not None
    assert failed.error["code"] == "archive_unreachable"
    assert failed.error["hint"]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = now()")
        queued = tx.connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'notifications.note_backup'").fetchall()
    note_backup(api.container, **queued[0][0])
    (mail,) = waiting(api.container)
    assert mail.subject == f"Backup failed: {slug}"
    assert failed.error["message"] in mail.text
    again = service.make(api.container, row_of(api, slug), Due(Kind.FULL, Trigger.DAILY))
    assert again is not None
    note_backup(api.container, again.organization_id, again.project_id, again.id)
    assert len(waiting(api.container)) == 1  # one mail until a backup has succeeded
    folder.unlink()
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE database_backups SET ended_at = ended_at - interval '10 minutes'")
    until_round(rounds, lambda: of_state(api, slug, State.DONE))


def test_in_another_place_every_database_gets_a_base_backup_at_once(api: Api, rounds: ArchiveRounds) -> None:
    """Another CANONRY_BACKUPS_URL, or a Canonry that was restored: the rows tell of backups that are not there."""
    slug = api.project()
    made(api, slug, sleeps=False)
    until_round(rounds, lambda: of_state(api, slug, State.DONE))
    first = backups(api, slug)[0]
    shutil.rmtree(api.container.home.backups / "base")
    again = ArchiveRounds(api.container)
    try:
        until_round(again, lambda: len(of_state(api, slug, State.DONE)) == 2)
    finally:
        again.close()
    second = backups(api, slug)[0]
    assert (second.kind, second.trigger) == (Kind.FULL, Trigger.DAILY)
    assert [found.id for found in base.find_all(service.archive_of(api.container, first.cluster_id))] == [second.id]
    third = ArchiveRounds(api.container)
    until_round(third, lambda: third._there.get(first.cluster_id))
    third._begin_due()
    third.close()
    assert len(backups(api, slug)) == 2  # it is there: nothing is due


def test_segments_wait_while_the_archive_is_away_and_that_becomes_an_alarm(
    api: Api, rounds: ArchiveRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "_PATIENCE", 0.0)
    slug = api.project()
    url = made(api, slug, sleeps=False)["connection_string"]
    until_round(rounds, lambda: of_state(api, slug, State.DONE))
    database, clusters = row_of(api, slug), api.container.ports.clusters
    shutil.move(api.container.home.backups, api.container.home.root / "elsewhere")
    api.container.home.backups.write_text("in the way")
    ask(url, "CREATE TABLE t AS SELECT 1 AS n")
    ask(clusters.admin_url(database.cluster_id).reveal(), "SELECT pg_switch_wal()")
    until_round(rounds, lambda: alarms(api.container))
    assert alarms(api.container)[0].name == "archive_behind"
    api.container.home.backups.unlink()
    shutil.move(api.container.home.root / "elsewhere", api.container.home.backups)
    until_round(rounds, lambda: not alarms(api.container))


def test_a_gap_is_shown_and_closed_by_a_new_base_backup(api: Api, rounds: ArchiveRounds) -> None:
    slug = api.project()
    made(api, slug, sleeps=False)
    until_round(rounds, lambda: of_state(api, slug, State.DONE))
    database, clusters = row_of(api, slug), api.container.ports.clusters
    spool = clusters.folder(database.cluster_id) / "spool"
    (spool / "GAP").write_text(f"{int(time.time())} 0000000100000000000000FF\n")
    service.ship(api.container, database)
    with api.container.transactions.begin() as tx:
        gap = store.gaps(tx, database.organization_id, database.project_id)[0]
    assert gap.closed_at is None
    assert events(api, "database_archive.gap")[0]["segments"] == 1
    time.sleep(1.1)  # gaps are known to the second
    until_round(rounds, lambda: len(of_state(api, slug, State.DONE)) == 2)
    assert backups(api, slug)[0].trigger is Trigger.GAP
    assert not (spool / "GAP").exists()
    with api.container.transactions.begin() as tx:
        assert store.gaps(tx, database.organization_id, database.project_id)[0].closed_at is not None


def test_what_was_being_made_when_canonry_was_killed_has_failed_and_is_made_again(api: Api, rounds: ArchiveRounds) -> None:
    slug = api.project()
    made(api, slug, sleeps=False)
    with api.container.transactions.begin() as tx:
        assert store.begin(tx, "dbk_0000000000000001", row_of(api, slug), Due(Kind.FULL, Trigger.DAILY))
        assert not store.begin(tx, "dbk_0000000000000002", row_of(api, slug), Due(Kind.DUMP, Trigger.DAILY))
    rounds.round()
    assert [backup.error and backup.error["code"] for backup in of_state(api, slug, State.FAILED)] == ["interrupted"]


def test_without_its_parent_an_incremental_one_becomes_a_full_one(api: Api) -> None:
    slug = api.project()
    made(api, slug, sleeps=False)
    backup = service.make(api.container, row_of(api, slug), Due(Kind.INCREMENTAL, Trigger.DAILY, "dbk_00000000000000ff"))
    assert backup is not None
    assert (backup.state, backup.kind, backup.parent_id) == (State.DONE, Kind.FULL, None)


def test_what_is_left_of_a_deleted_database_goes_when_its_days_are_over(api: Api) -> None:
    slug = api.project()
    made(api, slug, sleeps=False)
    database = row_of(api, slug)
    service.make(api.container, database, Due(Kind.FULL, Trigger.MANUAL))
    assert api.ask("DELETE", f"/v1/projects/{slug}/database").status in {200, 202, 204}
    service.clear_abandoned(api.container)
    archive = service.archive_of(api.container, database.cluster_id)
    assert len(base.find_all(archive)) == 1
    with api.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM databases WHERE id = %s", (database.id,))
        tx.connection.execute("UPDATE database_backups SET started_at = %s", (now() - timedelta(days=9),))
    service.clear_abandoned(api.container)
    assert [item for kind in ("base", "dump", "wal") for item in api.container.ports.objects.list(f"{kind}/{database.cluster_id}")] == []
    with api.container.transactions.begin() as tx:
        assert store.of_clusters(tx, [database.cluster_id])[database.cluster_id] == []


def test_with_another_key_nothing_is_overwritten(api: Api) -> None:
    slug = api.project()
    made(api, slug, sleeps=False)
    service.make(api.container, row_of(api, slug), Due(Kind.FULL, Trigger.MANUAL))
    other = replace(api.container, settings=replace(api.container.settings, backups_key_file=str(api.container.home.root / "other.key")))
    backup = service.make(other, row_of(api, slug), Due(Kind.INCREMENTAL, Trigger.MANUAL, backups(api, slug)[0].id))
    assert backup is not None
    assert backup.error is not None
    assert backup.error["code"] == "backup_wrong_key"
