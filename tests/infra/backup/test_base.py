"""Base backups of real clusters, and restores from them: to the point, to a moment, to a position, to the latest."""

import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import Conflict, NotFound
from canonry.infra.backup import base, counting, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup
from canonry.infra.backup.key import new_key
from canonry.infra.backup.restoring import Restored, Until, restore
from tests.support.clusters import BareCluster, BareClusters


class Bench:
    """A cluster, its archive, and what is restored from it."""

    def __init__(self, clusters: BareClusters) -> None:
        self.clusters = clusters
        self.programs = clusters.programs
        self.main = clusters.new()
        self.archive = Archive(FolderObjects(clusters.root / "archive"), new_key(), "db_1")

    def take(self, parent: BaseBackup | None = None) -> BaseBackup:
        return base.take(self.main.url(), self.archive, self.programs, backup_id=f"bak_{secrets.token_hex(4)}", parent=parent)

    def ship(self) -> None:
        self.main.switch()
        wal.ship(self.main.folder, self.archive)

    def restored(self, backup: BaseBackup, until: Until) -> Restored:
        target = self.clusters.root / f"restored {secrets.token_hex(3)}"
        return restore(self.archive, backup, target, until=until, programs=self.programs)

    def started(self, backup: BaseBackup, until: Until) -> BareCluster:
        return self.clusters.around(self.restored(backup, until).data, f"r{secrets.token_hex(3)}")


@pytest.fixture
def bench(bare_clusters: BareClusters) -> Bench:
    return Bench(bare_clusters)


def moment(cluster: BareCluster) -> datetime:
    """Return a moment that is after everything before and before everything after."""
    time.sleep(0.02)
    found = cluster.ask("SELECT clock_timestamp()")[0][0]
    assert isinstance(found, datetime)
    time.sleep(0.02)
    return found.astimezone(UTC)


def test_a_backup_comes_back_as_it_was_with_nothing_but_itself(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT generate_series(1, 5000) AS n")
    bench.main.ask("CREATE DATABASE app")
    bench.main.ask('CREATE SCHEMA "s ""x"; CREATE TABLE "s ""x"."T t" AS SELECT 1 AS n', "app")
    bench.main.ask("CREATE UNLOGGED TABLE gone AS SELECT 1 AS n", "app")
    backup = bench.take()
    assert backup.point.exact
    assert backup.point.counts == {"app": {'"s ""x"."T t"': 1}, "postgres": {"public.t": 5000}}
    bench.main.ask("DELETE FROM t")
    again = base.load(bench.archive, backup.id)
    assert again == backup
    assert [item.id for item in base.find_all(bench.archive)] == [backup.id]
    found = bench.started(again, "end")
    assert backup.point.differing(counting.count(found.url())) == []
    assert found.ask("SELECT count(*) FROM t") == [(5000,)]
    assert not (found.data / "restore").exists()
    found.ask("INSERT INTO t VALUES (0)")  # it is open for writing
    assert backup.point.differing(counting.count(found.url())) == ["postgres: public.t has 5001 rows, not 5000"]


def test_a_restore_to_a_moment_has_what_was_committed_by_then(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t (n int)")
    backup = bench.take()
    moments = []
    for number in range(4):
        bench.main.ask(f"INSERT INTO t SELECT {number}")
        moments.append(moment(bench.main))
        if number % 2:
            bench.ship()
    bench.main.ask("DROP TABLE t")
    bench.ship()
    for number in (0, 1, 2, 3):
        result = bench.restored(backup, moments[number])
        assert result.complete
        found = bench.clusters.around(result.data, f"to{number}")
        assert found.ask("SELECT array_agg(n ORDER BY n) FROM t") == [(list(range(number + 1)),)]
        found.stop()
    assert bench.started(backup, "latest").ask("SELECT to_regclass('t')") == [(None,)]


def test_a_moment_after_the_last_commit_is_the_latest_and_says_so(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT 1 AS n")
    backup = bench.take()
    bench.main.ask("INSERT INTO t VALUES (2)")
    bench.ship()
    result = bench.restored(backup, datetime.now(UTC) + timedelta(seconds=1))
    assert not result.complete
    assert result.archived_until is not None
    assert result.last_commit is not None
    assert result.last_commit <= result.archived_until + timedelta(seconds=1)
    assert bench.clusters.around(result.data, "r").ask("SELECT count(*) FROM t") == [(2,)]


def test_a_restore_to_a_position(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT 1 AS n")
    backup = bench.take()
    bench.main.ask("INSERT INTO t VALUES (2)")
    position = str(bench.main.ask("SELECT pg_current_wal_insert_lsn()")[0][0])
    bench.main.ask("INSERT INTO t VALUES (3)")
    bench.ship()
    assert bench.started(backup, position).ask("SELECT max(n) FROM t") == [(2,)]
    with pytest.raises(Conflict) as caught:
        bench.restored(backup, backup.start_lsn)
    assert caught.value.code == "too_early"


def test_incremental_backups_hold_less_and_come_back_together(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE big AS SELECT n, md5(n::text) AS text FROM generate_series(1, 100000) AS n")
    full = bench.take()
    bench.main.ask("INSERT INTO big VALUES (0, 'new')")
    first = bench.take(full)
    bench.main.ask("DELETE FROM big WHERE n > 99990; CREATE TABLE other AS SELECT 1 AS n")
    second = bench.take(first)
    assert second.size < full.size / 3
    assert [item.id for item in base.chain(bench.archive, second)] == [full.id, first.id, second.id]
    bench.main.ask("UPDATE big SET text = 'later' WHERE n = 1")
    at = moment(bench.main)
    bench.main.ask("DROP TABLE big")
    bench.ship()
    end = bench.started(second, "end")
    assert second.point.differing(counting.count(end.url())) == []
    end.stop()
    later = bench.started(second, at)
    assert later.ask("SELECT text FROM big WHERE n = 1") == [("later",)]
    assert later.ask("SELECT count(*) FROM big") == [(99_991,)]


def test_what_was_restored_is_backed_up_and_restored_again(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT 1 AS n")
    copy = bench.started(bench.take(), "end")
    copy.ask("INSERT INTO t VALUES (2)")
    archive = Archive(bench.archive.objects, bench.archive.key, "db_2")
    backup = base.take(copy.url(), archive, bench.programs, backup_id="bak_copy")
    assert backup.timeline == 2
    copy.ask("INSERT INTO t VALUES (3)")
    at = moment(copy)
    copy.ask("DELETE FROM t")
    copy.switch()
    wal.ship(copy.folder, archive)
    result = restore(archive, backup, bench.clusters.root / "again", until=at, programs=bench.programs)
    assert bench.clusters.around(result.data, "again2").ask("SELECT max(n) FROM t") == [(3,)]


def test_recovery_follows_a_change_of_timeline_under_one_name(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT 1 AS n")
    backup = bench.take()
    bench.main.ask("INSERT INTO t VALUES (2)")
    at = moment(bench.main)
    bench.main.ask("INSERT INTO t VALUES (99)")
    bench.ship()
    bench.main.stop()
    promoted = bench.started(backup, at)  # takes the place of the first, and goes on under its name in the archive
    promoted.ask("INSERT INTO t VALUES (3)")
    then = moment(promoted)
    promoted.ask("INSERT INTO t VALUES (4)")
    promoted.switch()
    wal.ship(promoted.folder, bench.archive)
    latest = bench.restored(backup, "latest")
    assert latest.timeline == 2
    assert bench.clusters.around(latest.data, "latest").ask("SELECT array_agg(n ORDER BY n) FROM t") == [([1, 2, 3, 4],)]
    assert bench.started(backup, then).ask("SELECT array_agg(n ORDER BY n) FROM t") == [([1, 2, 3],)]


def test_counts_are_exact_while_somebody_writes_all_the_time(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t (n int); CREATE TABLE u (n int)")
    stop = threading.Event()

    def write(number: int) -> None:
        with psycopg.connect(bench.main.url().reveal()) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO t VALUES (%s)", (number,))
                connection.execute("DELETE FROM u")
                connection.execute("INSERT INTO u SELECT generate_series(1, 5)")
                connection.commit()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        backup = bench.take()
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert backup.point.exact
    found = bench.started(backup, "end")
    assert backup.point.differing(counting.count(found.url())) == []


def test_a_point_that_somebody_wrote_past_is_not_the_one_that_is_restored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.main.ask("CREATE TABLE t AS SELECT 1 AS n")
    write, written = counting._write_point, list[str]()

    def write_and_be_disturbed(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str:
        written.append(name)
        lsn = write(connection, name)
        if len(written) <= 2:  # somebody commits between the point and the look whether somebody did
            bench.main.ask("INSERT INTO t VALUES (2)")
        return lsn

    monkeypatch.setattr(counting, "_write_point", write_and_be_disturbed)
    backup = bench.take()
    assert backup.point.exact
    assert backup.point.name == written[2]
    assert backup.point.counts["postgres"] == {"public.t": 3}
    found = bench.started(backup, "end")
    assert backup.point.differing(counting.count(found.url())) == []


def test_counts_are_bounds_when_a_table_is_never_free(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_LOCK_PAUSE", 0.01)
    monkeypatch.setattr(counting, "_QUIET_PAUSE", 0.01)
    bench.main.ask("CREATE TABLE t AS SELECT generate_series(1, 10) AS n")
    with psycopg.connect(bench.main.url().reveal()) as long:
        long.execute("INSERT INTO t VALUES (11)")
        backup = bench.take()
        long.rollback()
    assert not backup.point.exact
    assert backup.point.counts["postgres"] == backup.point.counts_after["postgres"] == {"public.t": 10}
    found = bench.started(backup, "end")
    assert backup.point.differing(counting.count(found.url())) == []


def test_a_segment_that_is_missing_is_told_before_anything_is_started(bench: Bench) -> None:
    bench.main.ask("CREATE TABLE t (n int)")
    backup = bench.take()
    bench.ship()
    before = moment(bench.main)
    bench.main.ask("INSERT INTO t VALUES (1)")
    missing = bench.main.switch()
    (bench.main.spool / missing).unlink()
    bench.main.ask("INSERT INTO t VALUES (2)")
    bench.ship()
    for until in ("latest", datetime.now(UTC)):
        with pytest.raises(Conflict) as caught:
            bench.restored(backup, until)
        assert caught.value.code == "wal_gap"
        assert missing in caught.value.message
        assert "backup made after the gap" in caught.value.hint
    assert bench.started(backup, "end").ask("SELECT count(*) FROM t") == [(0,)]
    assert before > backup.ended
    assert bench.take().ended > backup.ended


def test_the_right_backup_is_chosen_for_a_moment(bench: Bench) -> None:
    first = bench.take()
    between = datetime.now(UTC)
    second = bench.take()
    assert base.choose([first, second], between).id == first.id
    assert base.choose([second, first], None).id == second.id
    with pytest.raises(NotFound) as caught:
        base.choose([first, second], first.started)
    assert f"{first.ended:%H:%M:%S}" in caught.value.hint


def test_a_deleted_backup_is_gone(bench: Bench) -> None:
    backup = bench.take()
    base.delete(bench.archive, backup.id)
    base.delete(bench.archive, backup.id)
    assert bench.archive.objects.list("base") == []
    with pytest.raises(NotFound):
        base.load(bench.archive, backup.id)


def test_no_password_stands_in_a_command_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def watch(argv: list[str], environment: dict[str, str], *, doing: str) -> Iterator[bytes]:
        seen.extend(argv)
        return original(argv, environment, doing=doing)

    original = base.output_of
    monkeypatch.setattr(base, "output_of", watch)
    bench.main.ask("ALTER ROLE canonry PASSWORD 'very secret'")
    with_password = type(bench.main.url())(bench.main.url().reveal().replace("canonry@", "canonry:very%20secret@"))
    base.take(with_password, bench.archive, bench.programs, backup_id="bak_x")
    assert any("pg_basebackup" in word for word in seen)
    assert not any("very secret" in word for word in seen)


def test_a_target_is_whole_or_not_there(bench: Bench, tmp_path: Path) -> None:
    backup = bench.take()
    key = f"{backup.folder}/data"
    path = bench.clusters.root / "archive" / key
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Conflict) as caught:
        restore(bench.archive, backup, tmp_path / "target", until="end", programs=bench.programs)
    assert caught.value.code == "backup_truncated"
    assert list(tmp_path.iterdir()) == []
