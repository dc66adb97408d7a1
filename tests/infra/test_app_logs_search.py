"""Finding lines: the same as asking every line, in either direction, in pages of any size, and quickly."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.infra.app_logs import Found, find_back, find_on, read, trim
from canonry.infra.app_logs.lines import LONGEST

_TEXT = st.one_of(
    st.text("aAbBxyZ ÄäÖ", max_size=12),
    st.integers(LONGEST - 2, 5 * LONGEST).map(lambda length: "yAb"[length % 3] * (length - 3) + "abA"),
)
_LINES = st.lists(_TEXT, max_size=25)
_WORDS = st.sampled_from(["", "a", "ab", "ABA", "z", "ä", "xÄy", "b b", "nothing"])


def on(path: Path, after: int, word: str, limit: int, most: int = 1 << 30) -> Found:
    return find_on(path, after, word, lambda line: word.lower() in line.text.lower(), limit=limit, most=most, ended=False)


def back(path: Path, before: int | None, word: str, limit: int, most: int = 1 << 30) -> Found:
    return find_back(path, before, word, lambda line: word.lower() in line.text.lower(), limit=limit, most=most, ended=False)


def written(path: Path, lines: list[str], rest: str = "") -> list[int]:
    """Write the lines and a beginning of one more; return the offset of every piece."""
    path.write_text("".join(f"{line}\n" for line in lines) + rest)
    return [line.offset for line in read(path, 0, 1 << 30).lines]


def expected(path: Path, word: str) -> list[int]:
    return [line.offset for line in read(path, 0, 1 << 30).lines if word.lower() in line.text.lower()]


@given(_LINES, _WORDS, st.integers(1, 5), st.sampled_from([1, 70_000, 1 << 30]))
def test_pages_forwards_are_all_lines_with_the_word_once_and_in_order(lines: list[str], word: str, limit: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        written(path, lines, "unended")
        seen, position = [], 0
        while True:
            page = on(path, position, word, limit, most)
            assert len(page.lines) <= limit
            seen += [line.offset for line in page.lines]
            position = page.end
            if page.is_all:
                break
        assert seen == expected(path, word)


@given(_LINES, _WORDS, st.integers(1, 5), st.sampled_from([1, 70_000, 1 << 30]))
def test_pages_backwards_are_the_same_lines(lines: list[str], word: str, limit: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        written(path, lines, "unended")
        seen: list[int] = []
        position = None
        while True:
            page = back(path, position, word, limit, most)
            assert len(page.lines) <= limit
            assert [line.offset for line in page.lines] == sorted(line.offset for line in page.lines)
            seen = [line.offset for line in page.lines] + seen
            position = page.start
            if page.is_all:
                break
        assert seen == expected(path, word)


@given(_LINES)
def test_the_end_of_a_search_backwards_is_where_reading_goes_on(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        written(path, lines, "begun")
        end = back(path, None, "", 3).end
        with path.open("a") as file:
            file.write(" and ended\n")
        assert [line.text for line in read(path, end, 10).lines] == ["begun and ended"]


def test_a_log_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert on(tmp_path / "none.log", 0, "a", 5).is_all
    assert back(tmp_path / "none.log", None, "a", 5) == Found((), 0, 0, is_all=True)


def test_what_was_freed_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("needle old\n" * 500_000 + "needle new\n")
    if not trim(path, 1 << 20):
        pytest.fail("this file system cannot free the head of a file")
    first = on(path, 0, "needle", 1)
    assert first.start > 0
    assert back(path, None, "new", 5).is_all
    everything = back(path, None, "needle", 1_000_000)
    assert everything.lines[0].offset == first.lines[0].offset


def test_a_word_that_is_seldom_is_found_in_64_mib_in_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    line = "2026-11-25T20:00:00Z info an ordinary line of an ordinary app that says a hundred characters, or nearly so\n"
    count = (64 << 20) // len(line)
    with path.open("w") as file:
        file.write("the Needle at the beginning\n")
        file.write(line * count)
        file.write("the needle at the end\n")
    for find, start in ((on, 0), (back, None)):
        began = time.perf_counter()
        page = find(path, start, "needle", 10)
        taken = time.perf_counter() - began
        assert [found.text for found in page.lines] == ["the Needle at the beginning", "the needle at the end"]
        assert taken < 2, taken  # 0.15 s on an idle machine
        bounded = find(path, start, "needle", 10, 8 << 20)
        assert len(bounded.lines) == 1
        assert not bounded.is_all
