"""The page of the figures and the programs that measure them."""

import re

import pytest

from bench.__main__ import PROGRAMS, main
from bench.figures import Figure, figure_of, percentile, table
from tests.architecture.tree import ROOT, read

PAGE = "docs/benchmarks.md"


def test_every_measuring_program_is_explained_on_the_page_and_no_other() -> None:
    rows = [line.split(" | ") for line in read(PAGE).splitlines() if line.startswith("| ") and line.count("|") == 5]
    assert {row[2].strip("`") for row in rows[1:]} == set(PROGRAMS)


def test_every_file_of_the_folder_is_a_program_or_used_by_one() -> None:
    files = {path.stem: path.read_text() for path in (ROOT / "bench").glob("*.py")}
    used = {name for text in files.values() for name in re.findall(r"^from bench(?:\.| import )(\w+)", text, re.MULTILINE)}
    assert set(files) == {"__main__", *PROGRAMS} | used


def test_a_name_that_no_program_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploys"]) == 2
    assert "deploy, changed_lock" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "percent", "expected"), [(1, 95, 1), (20, 50, 10), (20, 95, 19), (21, 95, 20), (100, 99, 99)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(count: int, percent: float, expected: int) -> None:
    assert percentile(list(range(1, count + 1)), percent) == expected


def test_the_table_says_whether_a_target_is_met() -> None:
    fast = figure_of("fast", [0.1, 0.2, 0.3], target=250, high_target=300)
    slow = figure_of("slow", [0.1, 0.2, 0.9], target=250, high_target=300)
    few = Figure("few", "", 9_999, 10_000, at_least=True)
    lines = table([fast, slow, few, Figure("no target", "MB", 3.14159)]).splitlines()
    assert lines[1].split() == ["fast", "200", "ms", "300", "ms", "≤", "250", "/", "≤", "300", "yes", "3", "times"]
    assert [line.split()[-3] if "times" in line else line.split()[-1] for line in lines[2:4]] == ["NO", "NO"]
    assert lines[4].split() == ["no", "target", "3.14", "MB"]
