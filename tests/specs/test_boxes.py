"""Lines that were meant to be criteria: lint says so, and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.specs import parse
from canonry.specs.lint import lint

HEAD = "---\ntitle: T\nowner: a\nteam: b\ncreated: 2026-01-01\nupdated: 2026-01-01\n---\n"


def said(body: str) -> list[tuple[str, int, int]]:
    return [(item.rule, item.line, item.column) for item in lint(parse(HEAD + body)) if item.rule in {"ac.form", "ac.id"}]


@pytest.mark.parametrize("line", ["* [ ] a", "+ [x] a", "1. [ ] a", "2) [X] a", "- []", "- [] a", "* [] a", "- [ ]", "-[x]  ", "- [ ]a",
                                  "- [y] a",                                   "- [✓] a", "- [-] a", "- [~] a"])  # fmt: skip
def test_what_looks_like_a_criterion_and_is_none_is_said(line: str) -> None:
    assert said(f"## 1. A\n\n{line}\n") == [("ac.form", 10, 1)]
    assert said(f"## 1. A\n\n- [ ] b\n  {line}") == [("ac.form", 11, 3)]
    assert not list(parse(f"{HEAD}## 1. A\n\n{line}\n").criteria())


@pytest.mark.parametrize("line", ["- [ ] a", "  - [X] a", "-[x] a", "- [a](b.md)", "- [x](b.md)", "- [ ](b.md)", "- [x][y]",
                                  "- [x]: https://a",
                                  "- [1] a source", "* [y](a)", "a - [] b", "[] a", "- a [] b",
                                  "> * [ ] a", "- `[]`", "*[ ] a"])  # fmt: skip
def test_other_lines_are_left_alone(line: str) -> None:
    assert said(f"## 1. A\n\n{line}\n") == []


@pytest.mark.parametrize("hidden", ["```\n* [ ] a\n```", "<!--\n* [ ] a\n-->", "<pre>\n* [ ] a\n</pre>"])
def test_what_is_code_or_hidden_means_nothing(hidden: str) -> None:
    assert said(f"## 1. A\n\n{hidden}\n\n+ [ ] b\n") == [("ac.form", 14, 1)]


@pytest.mark.parametrize(("name", "is_fine"), [("{#a}", True), ("{#a.b-1_c}", True), ("{#-a}", False), ("{#a b}", False), ("{#}", False),
                                               ("{#ä}", False), ("{}", True), ("`{a}`", True), ("{#a}.", True)])  # fmt: skip
def test_an_id_that_is_none_is_said(name: str, *, is_fine: bool) -> None:
    assert said(f"## 1. A\n\n- [ ] It MUST {name}\n") == ([] if is_fine else [("ac.id", 10, 1)])


def test_without_frontmatter_the_first_line_counts_as_well() -> None:
    assert [(item.rule, item.line) for item in lint(parse("* [ ] a\n")) if item.rule == "ac.form"] == [("ac.form", 1)]


def test_of_a_frontmatter_that_cannot_be_read_no_field_is_missed() -> None:
    found = lint(parse("---\ntitle: A\nowner: [a\ncreated: 2026-01-01\n---\n\n## 1. A\n"))
    assert [item.rule for item in found] == ["frontmatter.yaml"]
    assert found[0].message.endswith("(a flow sequence begins in line 3).")
    assert found[0].line == 4


@given(st.text(alphabet=" -*+[]xXy1.)\n\t`~<!>{#}a", max_size=80))
def test_lint_takes_everything_and_no_criterion_is_called_none(text: str) -> None:
    document = parse(HEAD + text)
    lines = {item.line for item in lint(document) if item.rule == "ac.form"}
    assert not lines & {criterion.line for _, criterion in document.criteria()}


def test_very_many_of_them_are_told_one_by_one() -> None:
    found = said("## 1. A\n\n" + "* [ ] a\n```\n* [ ] b\n```\n" * 20_000)
    assert found == [("ac.form", 10 + 4 * number, 1) for number in range(20_000)]
