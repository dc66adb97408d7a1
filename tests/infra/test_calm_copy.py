"""Copying a folder while somebody writes: every file whole, a database as of one moment, nothing followed out of the folder."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from canonry.infra import calm_copy
from canonry.infra.calm_copy import copy_tree


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    target.mkdir()
    return source, target


def test_files_links_modes_and_times_come_along(folders: tuple[Path, Path]) -> None:
    source, target = folders
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "file").write_bytes(b"x" * 3_000_000)
    (source / "a" / "b" / "file").chmod(0o640)
    os.utime(source / "a" / "b" / "file", ns=(10**18, 10**18))
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder-link").symlink_to("a")
    os.mkfifo(source / "pipe")
    report = copy_tree(source, target)
    assert {str(path.relative_to(target)) for path in target.rglob("*")} == {"a", "a/b", "a/b/file", "link", "folder-link"}
    copied = (target / "a" / "b" / "file").stat()
    assert (copied.st_size, copied.st_mode & 0o777, copied.st_mtime_ns) == (3_000_000, 0o640, 10**18)
    assert (target / "link").readlink() == Path("/etc/passwd")
    assert (report.files, report.restless) == (3, [])


def test_a_database_that_is_written_to_is_copied_as_of_one_moment(folders: tuple[Path, Path]) -> None:
    """Each transaction writes a row into both tables: a copy in which the two differ would be of no moment at all."""
    source, target = folders
    stop = threading.Event()
    with closing(sqlite3.connect(source / "app.db")) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.executescript("CREATE TABLE a (n INTEGER, t TEXT); CREATE TABLE b (n INTEGER);")

    def write() -> None:
        with closing(sqlite3.connect(source / "app.db", timeout=30)) as app:
            number = 0
            while not stop.is_set():
                number += 1
                with app:
                    app.execute("INSERT INTO a VALUES (?, ?)", (number, "x" * 500))
                    app.execute("INSERT INTO b VALUES (?)", (number,))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for attempt in range(5):
            there = target / str(attempt)
            there.mkdir()
            report = copy_tree(source, there)
            assert report.restless == []
            assert [path.name for path in there.iterdir()] == ["app.db"]  # the write-ahead log is in it
            with closing(sqlite3.connect(there / "app.db")) as copied:
                assert copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                left, right = (copied.execute(f"SELECT count(*), max(n) FROM {table}").fetchone() for table in "ab")  # noqa: S608
                assert left == right
    finally:
        stop.set()
        writer.join()


def test_what_only_calls_itself_a_database_is_copied_as_a_file(folders: tuple[Path, Path]) -> None:
    source, target = folders
    (source / "short.db").write_bytes(b"SQLite format 3\0" + b"\x10\x00" + b"\xff" * 100)
    (source / "broken.db").write_bytes(b"SQLite format 3\0" + b"\x10\x00" + b"\xff" * 8192)
    for name in ("short.db-wal", "broken.db-wal"):
        (source / name).write_bytes(b"log")
    copy_tree(source, target)
    for name in ("short.db", "broken.db", "short.db-wal", "broken.db-wal"):
        assert (target / name).read_bytes() == (source / name).read_bytes()


def test_a_file_that_never_rests_is_copied_and_named(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = folders
    (source / "log").write_text("line\n")
    (source / "calm").write_text("calm")
    copy_bytes = calm_copy._copy_bytes

    def copy_while_written(path: Path, there: Path) -> None:
        copy_bytes(path, there)
        if path.name == "log":
            with path.open("a") as file:
                file.write("another line\n")

    monkeypatch.setattr(calm_copy, "_copy_bytes", copy_while_written)
    monkeypatch.setattr(calm_copy, "_PAUSE", 0.001)
    report = copy_tree(source, target)
    assert report.restless == ["log"]
    assert (target / "log").read_text().startswith("line\nanother line\n")
    assert (target / "calm").read_text() == "calm"


def test_a_file_that_changes_once_is_copied_again(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = folders
    (source / "state").write_text("old and long")
    copy_bytes, changes = calm_copy._copy_bytes, ["new"]

    def copy_while_written(path: Path, there: Path) -> None:
        copy_bytes(path, there)
        if changes:
            path.write_text(changes.pop())

    monkeypatch.setattr(calm_copy, "_copy_bytes", copy_while_written)
    assert copy_tree(source, target).restless == []
    assert (target / "state").read_text() == "new"
