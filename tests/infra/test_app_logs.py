"""Logs of instances: nothing lost, nothing twice, offsets that stay true."""

import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.infra.app_logs import Lines, TimeIndex, can_trim, offset_since, read, remove, trim
from canonry.infra.app_logs.lines import CUT, LONGEST


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a b.log"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def all_pages(path: Path, sizes: list[int], *, ended: bool) -> list[str]:
    """Read everything, with pages of these sizes in turn."""
    texts: list[str] = []
    position = turn = 0
    while (page := read(path, position, sizes[turn % len(sizes)], ended=ended)).lines:
        assert page.lines[0].offset == position
        texts += [line.text for line in page.lines]
        position, turn = page.next, turn + 1
    return texts


_LINE = st.one_of(
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=40),
    st.integers(LONGEST - 3, 3 * LONGEST).map(lambda length: "ü€x"[length % 3] * length),
)


@given(st.lists(_LINE, max_size=30), st.lists(st.integers(1, 7), min_size=1, max_size=4), st.booleans())
def test_the_pages_together_are_the_file_whatever_their_sizes(lines: list[str], sizes: list[int], last_ends: bool) -> None:
    content = "\n".join(lines) + ("\n" if last_ends and lines else "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content.encode())
        found = all_pages(path, sizes, ended=True)
        joined = "".join(text.removesuffix(CUT) if text.endswith(CUT) else f"{text}\n" for text in found)
        assert joined.removesuffix("\n") == content.removesuffix("\n")
        assert found == all_pages(path, [1000], ended=True)


@given(st.binary(max_size=3000), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_any_bytes_can_be_read_to_the_end(content: bytes, sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        assert len(all_pages(path, sizes, ended=True)) == len(content.removesuffix(b"\n").split(b"\n")) * bool(content)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_a_reader_that_follows_sees_what_one_that_comes_late_sees(writes: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        followed: list[str] = []
        position = 0
        for data in writes:
            with path.open("ab") as file:
                file.write(data)
            page = read(path, position, 1000)
            followed += [line.text for line in page.lines]
            position = page.next
        followed += [line.text for line in read(path, position, 1000, ended=True).lines]
        assert followed == [line.text for line in read(path, 0, 1000, ended=True).lines]


def test_a_file_that_is_not_there_yet_has_no_lines(log: Path) -> None:
    assert read(log, 0, 10) == Lines((), 0)
    assert offset_since(log, datetime.now(UTC)) == 0
    assert trim(log, 10) == 0
    TimeIndex().note(log)
    remove(log)


def test_a_last_line_is_held_back_until_it_ends_or_nothing_can_follow(log: Path) -> None:
    log.write_text("one\ntw")
    page = read(log, 0, 10)
    assert ([line.text for line in page.lines], page.next) == (["one"], 4)
    assert read(log, 4, 10) == Lines((), 4)
    assert [line.text for line in read(log, 4, 10, ended=True).lines] == ["tw"]
    with log.open("a") as file:
        file.write("o\r\n")
    assert [line.text for line in read(log, 4, 10).lines] == ["two"]


def test_a_long_line_comes_in_pieces_that_are_marked(log: Path) -> None:
    log.write_text("x" * (2 * LONGEST + 5) + "\nnext\n")
    assert [(line.text[-2:], len(line.text)) for line in read(log, 0, 10).lines] == [
        (CUT, LONGEST + 2), (CUT, LONGEST + 2), ("xx", 5), ("xt", 4)]  # fmt: skip


def test_bytes_that_are_no_text_are_replaced(log: Path) -> None:
    log.write_bytes(b"caf\xe9 \0 ok\n")
    assert [line.text for line in read(log, 0, 10).lines] == ["caf\ufffd ␀ ok"]


def test_a_log_that_was_cut_short_goes_on_at_its_end(log: Path) -> None:
    log.write_text("a\n" * 100)
    log.write_text("b\n")
    assert read(log, 200, 10) == Lines((), 2)


def test_lines_have_the_time_at_which_they_had_been_written(log: Path) -> None:
    clock = Clock()
    index = TimeIndex(clock)
    for text, pause in (("one\n", 10), ("two\nthree\n", 100), ("four\n", 5)):
        with log.open("a") as file:
            file.write(text)
        index.note(log)
        clock.now += pause
    times = [(line.text, line.time - 1_000_000) for line in read(log, 0, 10).lines]
    assert times == [("one", 0), ("two", 10), ("three", 10), ("four", 110)]


def test_a_line_that_nobody_noted_yet_has_the_time_of_the_last_write(log: Path) -> None:
    log.write_text("one\n")
    assert read(log, 0, 10).lines[0].time == pytest.approx(time.time(), abs=5)


def test_since_finds_the_first_line_that_may_be_as_young(log: Path) -> None:
    clock = Clock()
    index = TimeIndex(clock)
    for number in range(50):
        with log.open("a") as file:
            file.write(f"line {number}\n")
        index.note(log)
        clock.now += 10
    for number in (0, 1, 25, 49):
        offset = offset_since(log, datetime.fromtimestamp(1_000_000 + number * 10 - 1, UTC))
        assert read(log, offset, 1).lines[0].text == f"line {number}"
    assert offset_since(log, datetime.fromtimestamp(2_000_000, UTC)) == log.stat().st_size


def test_since_in_the_middle_of_a_line_begins_with_the_next(log: Path) -> None:
    clock = Clock()
    index = TimeIndex(clock)
    log.write_text("one\ntw")
    index.note(log)
    with log.open("a") as file:
        file.write("o\nthree\n")
    assert read(log, offset_since(log, datetime.fromtimestamp(1_000_001, UTC)), 1).lines[0].text == "three"


def test_the_index_grows_once_a_second_and_only_when_something_was_written(log: Path) -> None:
    clock = Clock()
    index = TimeIndex(clock)
    for _ in range(100):
        with log.open("a") as file:
            file.write("x\n")
        index.note(log)
        clock.now += 0.1
    for _ in range(100):
        index.note(log)
        clock.now += 10
    pairs = log.with_name("a b.log.times").stat().st_size / 16
    assert 10 <= pairs <= 12
    TimeIndex(clock).note(log)
    assert log.with_name("a b.log.times").stat().st_size / 16 == pairs


def test_trimming_frees_the_head_and_moves_no_offset(log: Path) -> None:
    if not can_trim(log.parent):
        pytest.fail("the file system of the temporary folder cannot punch holes")
    clock = Clock()
    index = TimeIndex(clock)
    with log.open("wb") as file:
        for start in range(0, 200_000, 20_000):
            file.writelines(b"line %07d %s\n" % (number, b"x" * 40) for number in range(start, start + 20_000))
            file.flush()
            index.note(log)
            clock.now += 10
    size = log.stat().st_size
    tail = read(log, size - 54 * 10, 10)
    assert trim(log, 2 << 20) > 5 << 20
    assert log.stat().st_size == size
    assert log.stat().st_blocks * 512 <= 4 << 20
    assert read(log, size - 54 * 10, 10) == tail
    page = read(log, 0, 5)
    assert page.lines[0].text.startswith("line 0")
    assert page.lines[0].offset >= size - (3 << 20)
    assert page.lines[0].offset % 54 == 0
    assert page.lines[0].time == 1_000_000 + (page.lines[0].offset // 54 // 20_000) * 10
    assert trim(log, 2 << 20) == 0
    with log.open("ab") as file:
        file.write(b"after\n")
    assert read(log, size, 1).lines[0].text == "after"


def test_a_file_that_an_app_made_huge_and_empty_is_passed_over_quickly(log: Path) -> None:
    log.write_text("one\n")
    os.truncate(log, 1 << 40)
    with log.open("ab") as file:
        file.write(b"\ntwo\n")
    began = time.monotonic()
    first = read(log, 0, 10)
    assert first.lines[0].text == "one"
    assert [line.text for line in read(log, first.next, 10).lines] == ["two"]
    assert time.monotonic() - began < 60


def test_half_a_million_lines_written_while_we_read_arrive_once_each(log: Path) -> None:
    total = 500_000
    with (
        log.open("ab") as file,
        subprocess.Popen(["seq", "-f", "line %.0f of the log of a talkative app", str(total)], stdout=file) as writer,
    ):
        expected, position = 1, 0
        while True:
            is_over = writer.poll() is not None
            page = read(log, position, 5000)
            for line in page.lines:
                assert line.text == f"line {expected} of the log of a talkative app"
                expected += 1
            position = page.next
            if is_over and not page.lines:
                break
    assert expected == total + 1
