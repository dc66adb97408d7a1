"""The build log: written once, read in pages of any size, resumable at every line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonry.core.paths import Home
from canonry.features.deployments import build_log
from canonry.features.deployments.build_log import BuildLog


def home_in(folder: Path) -> Home:
    home = Home(folder)
    home.create()
    return home


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=50), max_size=30), limit=st.integers(1, 7))
def test_pages_of_any_size_together_are_the_whole_log(tmp_path_factory: pytest.TempPathFactory, texts: list[str], limit: int) -> None:
    home = home_in(tmp_path_factory.mktemp("log"))
    log = BuildLog(home, "dep_1")
    for text in texts:
        log.build(text)
    log.close("live")
    seen: list[object] = []
    after = 0
    for _ in range(len(texts) + 2):
        page = build_log.read(home, "dep_1", after=after, limit=limit)
        seen += [line["text"] for line in page.lines]
        after = page.next_seq
    assert seen == [text.encode(errors="replace").decode() for text in texts]
    assert page.closed or build_log.read(home, "dep_1", after=after, limit=limit).lines == []


class TestRead:
    def test_a_deployment_without_a_log_has_no_lines_yet(self, tmp_path: Path) -> None:
        page = build_log.read(home_in(tmp_path), "dep_none", after=0, limit=10)
        assert (list(page.lines), page.closed) == ([], False)

    def test_the_sequence_number_of_a_line_goes_on_after_it(self, tmp_path: Path) -> None:
        home = home_in(tmp_path)
        log = BuildLog(home, "dep_1")
        log.build("one")
        log.say("two")
        log.close()
        first = build_log.read(home, "dep_1", after=0, limit=1)
        rest = build_log.read(home, "dep_1", after=first.next_seq, limit=10)
        assert [line["text"] for line in first.lines] == ["one"]
        assert [(line["text"], line["stream"]) for line in rest.lines] == [("two", "system")]

    def test_it_is_closed_when_the_deployment_ended(self, tmp_path: Path) -> None:
        home = home_in(tmp_path)
        BuildLog(home, "dep_1").close("failed")
        assert build_log.read(home, "dep_1", after=0, limit=10).closed

    def test_a_number_inside_a_line_gives_the_lines_behind_it(self, tmp_path: Path) -> None:
        home = home_in(tmp_path)
        log = BuildLog(home, "dep_1")
        log.build("one")
        log.build("two")
        log.close()
        assert [line["text"] for line in build_log.read(home, "dep_1", after=5, limit=10).lines] == ["two"]


def test_a_half_line_that_a_crash_left_spoils_no_later_line(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    path = build_log.path_of(home, "dep_1")
    path.write_bytes(b'{"ts": "2026-01-01T00:00:00", "stream": "build", "te')
    log = BuildLog(home, "dep_1")
    log.build("after the crash")
    log.close()
    assert [line["text"] for line in build_log.read(home, "dep_1", after=0, limit=10).lines] == ["after the crash"]
