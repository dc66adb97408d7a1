"""Acceptance criteria, their evidence, and what they are called."""

import pytest

from canonry.specs import Criterion, parse
from canonry.specs.identity import carry, hashed_id

HEAD = "---\ntitle: T\n---\n## A\n"


def criteria(body: str) -> list[Criterion]:
    return [criterion for _, criterion in parse(HEAD + body).criteria()]


def rules(body: str) -> list[str]:
    return [found.rule for found in parse(HEAD + body).diagnostics]


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize(("line", "checked", "text", "column"), [
    ("- [ ] a", False, "a", 1), ("- [x] a b ", True, "a b", 1), ("- [X] a", True, "a", 1), ("-[ ] a", False, "a", 1),
    ("    - [ ]  a", False, "a", 5), ("\t- [x] a", True, "a", 2),
])  # fmt: skip
def test_a_criterion_is_a_line_with_a_box(line: str, checked: bool, text: str, column: int) -> None:
    (found,) = criteria(f"\n{line}\n")
    assert (found.checked, found.text, found.line, found.column) == (checked, text, 6, column)


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize("line", ["* [ ] a", "1. [ ] a", "- []", "- [] a", "- [ ]", "- [y] a", "- [ ]a", "+ [ ] a", "> - [ ] a"])
def test_other_lists_are_no_criteria(line: str) -> None:
    assert criteria(f"{line}\n") == []


def test_a_criterion_goes_on_over_indented_lines() -> None:
    (found,) = criteria("- [ ] The first line\n  goes on\n  <!-- canon:realized-in:audit file:a -->\n")
    assert (found.text, found.line, found.end_line, len(found.evidence)) == ("The first line goes on", 5, 6, 1)
    assert [item.text for item in criteria("- [ ] a\n  - [ ] b\nnot this\n")] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("The x MUST y", "MUST"),
        ("MUST NOT", "MUST NOT"),
        ("It SHOULD NOT, and MUST", "SHOULD NOT"),
        ("It SHOULD", "SHOULD"),
        ("A MAY", "MAY"),
        ("it must", None),
        ("MUSTARD", None),
        ("", None),
        ("a MAY, then MUST NOT", "MAY"),
    ],
)
def test_strength_is_the_first_word_in_capitals(text: str, strength: str | None) -> None:
    (found,) = criteria(f"- [ ] {text or 'none'}\n")
    assert found.strength == strength


@pytest.mark.parametrize(("comment", "source", "path", "lines"), [
    ("PR#412 file:src/a.ts:42-60", "PR#412", "src/a.ts", "42-60"), ("PR#412 src/a.ts:42", "PR#412", "src/a.ts", "42"),
    ("audit file:docs/my file.md", "audit", "docs/my file.md", None), ("PR#1 file:a:b", "PR#1", "a:b", None),
])  # fmt: skip
def test_evidence_is_read_with_and_without_file(comment: str, source: str, path: str, lines: str | None) -> None:
    (found,) = criteria(f"- [x] a\n  <!-- canon:realized-in:{comment} -->\n")
    assert [(item.source, item.path, item.lines, item.line) for item in found.evidence] == [(source, path, lines, 6)]


def test_evidence_attaches_over_blank_lines_and_other_comments_and_nothing_else() -> None:
    one = "<!-- canon:realized-in:PR#1 file:a -->\n"
    assert [len(item.evidence) for item in criteria(f"- [x] a\n\n<!-- canon:delta:added -->\n{one}{one}- [ ] b\n")] == [2, 0]
    for between in ("text\n", "### B\n", "- item\n"):
        assert [len(item.evidence) for item in criteria(f"- [x] a\n{between}{one}")] == [0]
        assert rules(f"- [x] a\n{between}{one}") == ["evidence.unattached"]
    assert rules(one) == ["evidence.unattached"]


def test_an_id_that_the_author_wrote_counts_whatever_the_text_says() -> None:
    first, second = criteria("- [ ] The x MUST y {#x-does-y}\n- [ ] AC-12: The z MUST z\n")
    assert (first.id, first.text, first.is_named) == ("x-does-y", "The x MUST y", True)
    assert (second.id, second.text, second.is_named) == ("AC-12", "AC-12: The z MUST z", True)


def test_an_id_that_is_given_twice_is_an_error_and_stays_unique() -> None:
    assert [item.id for item in criteria("- [ ] a {#x}\n- [ ] b {#x}\n- [ ] c {#x-2}\n")] == ["x", "x-2", "x-2-2"]
    assert rules("- [ ] a {#x}\n- [ ] b {#x}\n") == ["ac.duplicate"]


def test_the_same_sentence_twice_gets_a_number() -> None:
    first, second = criteria("- [ ] The a MUST b\n- [ ] the a must b.\n")
    assert second.id == f"{first.id}-2"


@pytest.mark.parametrize(
    "reworded",
    [
        "the token must be shown once.",
        "A token SHOULD be shown **once**",
        "The tokens MUST be shown once",
        "The `token` MUST be  shown once!",
    ],
)
@pytest.mark.criterion("living-specs#stable-ids")
def test_a_small_rewording_keeps_the_id(reworded: str) -> None:
    assert hashed_id(reworded) == hashed_id("The token MUST be shown once")


@pytest.mark.parametrize("other", ["The token MUST NOT be shown once", "The key MUST be shown once", "The token MUST be shown twice"])
def test_another_meaning_is_another_id(other: str) -> None:
    assert hashed_id(other) != hashed_id("The token MUST be shown once")


@pytest.mark.criterion("living-specs#stable-ids")
def test_ids_survive_neighbours_moves_ticks_and_evidence() -> None:
    body = "- [ ] The a MUST b\n- [ ] The c MUST d\n"
    changed = (
        "- [x] The c MUST d\n<!-- canon:realized-in:PR#1 file:x -->\n\n### 1. B\n- [ ] Something else MUST come first\n- [x] The a MUST b\n"
    )
    ids = {item.text: item.id for item in criteria(body)}
    assert {item.text: item.id for item in criteria(changed) if item.text in ids} == ids


def test_carry_follows_larger_rewordings_each_criterion_once() -> None:
    old = criteria("- [ ] An archive with an absolute path MUST be refused\n- [ ] A rollback MUST NOT build\n- [ ] Gone for good\n")
    new = criteria(
        "- [ ] A rollback MUST NOT build\n- [ ] Every archive that holds an absolute path MUST be refused at once\n- [ ] Quite new\n"
    )
    assert carry(old, new) == {new[0].id: old[1].id, new[1].id: old[0].id}


def test_carry_never_takes_a_named_criterion_for_a_reworded_one() -> None:
    old, new = criteria("- [ ] The a MUST b the c {#one}\n"), criteria("- [ ] The a MUST b the c {#two}\n")
    assert carry(old, new) == {}


def test_carry_gives_up_early_when_thousands_changed() -> None:
    old = criteria("".join(f"- [ ] old {number}\n" for number in range(3000)))
    new = criteria("".join(f"- [ ] new {number}\n" for number in range(3000)))
    assert carry(old, new) == {}
