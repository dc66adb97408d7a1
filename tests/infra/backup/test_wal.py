"""Segments from the spool to the archive, gaps, and the newest changes on demand."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import Conflict, Unavailable
from canonry.infra.backup import base, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key
from canonry.infra.backup.pushing import push
from canonry.infra.backup.restoring import restore
from tests.support.clusters import BareClusters

SEGMENT = "0000000100000000000000"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(FolderObjects(tmp_path / "archive"), new_key(), "db_1")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    spool = tmp_path / "cluster" / "spool"
    spool.mkdir(parents=True)
    return spool


def test_what_lies_in_the_spool_goes_to_the_archive_in_order(archive: Archive, spool: Path) -> None:
    for name in (f"{SEGMENT}03", f"{SEGMENT}02", "00000002.history", f"{SEGMENT}02.00000028.backup"):
        (spool / name).write_bytes(name.encode())
    (spool / f".{SEGMENT}04.tmp").write_bytes(b"half")
    os.utime(spool / f"{SEGMENT}02", (1_700_000_000, 1_700_000_000.25))
    shipped = wal.ship(spool.parent, archive)
    assert (shipped.segments, shipped.waiting, list(shipped.gaps)) == (4, 0, [])
    assert [path.name for path in spool.iterdir()] == [f".{SEGMENT}04.tmp"]
    found = wal.segments(archive)
    assert [segment.name for segment in found] == [f"{SEGMENT}02", f"{SEGMENT}03"]
    assert found[0].at == datetime.fromtimestamp(1_700_000_000.25, UTC)
    assert b"".join(archive.get(found[1].key)) == f"{SEGMENT}03".encode()
    assert wal.histories(archive) == ["00000002.history"]


def test_what_was_sent_before_a_crash_is_not_sent_again(archive: Archive, spool: Path) -> None:
    path = spool / f"{SEGMENT}02"
    path.write_bytes(b"content")
    times = path.stat().st_mtime_ns
    wal.ship(spool.parent, archive)
    path.write_bytes(b"content")  # as if it had been killed before it removed the file
    os.utime(path, ns=(times, times))
    wal.ship(spool.parent, archive)
    assert not path.exists()
    assert len(wal.segments(archive)) == 1


def test_another_segment_of_the_same_name_is_not_overwritten(archive: Archive, spool: Path) -> None:
    path = spool / f"{SEGMENT}02"
    path.write_bytes(b"content")
    times = path.stat().st_mtime_ns
    wal.ship(spool.parent, archive)
    path.write_bytes(b"somebody else's")
    os.utime(path, ns=(times, times))
    with pytest.raises(Conflict) as caught:
        wal.ship(spool.parent, archive)
    assert caught.value.code == "wal_conflict"
    assert path.exists()


def test_without_the_archive_segments_stay_in_the_spool(archive: Archive, spool: Path) -> None:
    (spool / f"{SEGMENT}02").write_bytes(b"content")
    place = spool.parent.parent / "archive"
    place.write_text("in the way")
    with pytest.raises(Unavailable):
        wal.ship(spool.parent, archive)
    assert (spool / f"{SEGMENT}02").exists()
    place.unlink()
    assert wal.ship(spool.parent, archive).segments == 1


def test_gaps_are_known_until_a_base_backup_that_began_behind_them_has_ended(archive: Archive, spool: Path) -> None:
    (spool / "GAP").write_text(f"1700000000 {SEGMENT}02\n1700000060 {SEGMENT}03\nhalf a li")
    assert [gap.segment for gap in wal.ship(spool.parent, archive).gaps] == [f"{SEGMENT}02", f"{SEGMENT}03"]
    wal.begin_closing(spool.parent)
    assert len(wal.gaps(spool.parent)) == 2
    with (spool / "GAP").open("a") as file:  # meanwhile another
        file.write(f"1700000120 {SEGMENT}09\n")
    wal.begin_closing(spool.parent)  # the first backup failed; another begins
    assert len(wal.gaps(spool.parent)) == 3
    (spool / "GAP").write_text(f"1700000180 {SEGMENT}0A\n")
    wal.end_closing(spool.parent)
    assert [gap.segment for gap in wal.gaps(spool.parent)] == [f"{SEGMENT}0A"]


def test_numbers_and_names_of_segments() -> None:
    for size in (1 << 20, 4 << 20, 16 << 20):
        for number in (0, 1, 4095, 4096, 123_456):
            assert wal.number_of(wal.name_of(7, number, size), size) == number
    assert wal.name_of(1, 0x1_0000_0000 // (16 << 20) + 2, 16 << 20) == "000000010000000100000002"


def test_an_archive_that_was_away_gets_a_gap_that_a_new_base_backup_closes(bare_clusters: BareClusters, archive: Archive) -> None:
    main = bare_clusters.new()
    main.ask("CREATE TABLE t (n int)")
    first = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    (main.folder / "FULL").touch()  # the spool has what it may have: the cluster lets segments go, and goes on
    main.ask("INSERT INTO t SELECT generate_series(1, 50000)")
    lost = main.switch()
    with pytest.raises(Unavailable, match="let its segment"):
        push(main.url(), main.folder, archive)
    (main.folder / "FULL").unlink()
    main.ask("INSERT INTO t VALUES (0)")
    push(main.url(), main.folder, archive)
    assert lost in [gap.segment for gap in wal.gaps(main.folder)]
    with pytest.raises(Conflict) as caught:
        restore(archive, first, bare_clusters.root / "no", until="latest", programs=bare_clusters.programs)
    assert caught.value.code == "wal_gap"
    wal.begin_closing(main.folder)
    second = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_2", parent=first)
    wal.end_closing(main.folder)
    main.ask("INSERT INTO t VALUES (-1)")
    assert not push(main.url(), main.folder, archive).gaps
    result = restore(archive, second, bare_clusters.root / "yes", until="latest", programs=bare_clusters.programs)
    assert bare_clusters.around(result.data, "restored").ask("SELECT count(*), min(n) FROM t") == [(50_002, -1)]


def test_what_was_just_committed_is_in_the_archive_when_it_is_pushed(bare_clusters: BareClusters, archive: Archive) -> None:
    main = bare_clusters.new()
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    main.ask("CREATE TABLE t AS SELECT 1 AS n")
    before = time.monotonic()
    push(main.url(), main.folder, archive)
    push(main.url(), main.folder, archive)
    assert time.monotonic() - before < 50  # the cluster would end the segment by itself after a minute
    result = restore(archive, backup, bare_clusters.root / "r", until="latest", programs=bare_clusters.programs)
    assert bare_clusters.around(result.data, "restored").ask("SELECT count(*) FROM t") == [(1,)]
