"""Sections: which headings make one, what they are called, where they begin and end, and what status they have."""

import pytest

from canonry.specs import Document, Section, State, parse

HEAD = "---\ntitle: T\n---\n"


def document(body: str) -> Document:
    return parse(HEAD + body)


def one(body: str) -> Section:
    (section,) = document(body).sections
    return section


def rules(body: str) -> list[str]:
    return [found.rule for found in document(body).diagnostics]


@pytest.mark.contract("Canon", "spec parser")
def test_only_headings_of_level_two_and_three_make_sections() -> None:
    found = document("# One\ntext\n## A\n### B\n#### C\n##### D\n## E\n")
    assert [(section.title, section.depth, [child.title for child in section.children]) for section in found.sections] == [
        ("A", 2, ["B"]),
        ("E", 2, []),
    ]
    assert "#### C" in found.sections[0].children[0].content


def test_level_three_without_level_two_before_it_is_top_level_with_a_warning() -> None:
    found = document("### A\n## B\n### C\n")
    assert [section.title for section in found.sections] == ["A", "B"]
    assert [(item.rule, item.line) for item in found.diagnostics] == [("section.orphan", 4)]


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize(("heading", "number", "title", "name"), [
    ("## 2. Idempotency Layer", "2", "Idempotency Layer", "2-idempotency-layer"),
    ("## 2 Idempotency", "2", "Idempotency", "2-idempotency"),
    ("### 2.1 Re-tries & back-off!", "2.1", "Re-tries & back-off!", "2.1-re-tries-back-off"),
    ("### 2.1. X", "2.1", "X", "2.1-x"),
    ("## Overview ##", None, "Overview", "overview"),
    ("## C#", None, "C#", "c"),
    ("## 3rd try", None, "3rd try", "3rd-try"),
    ("## Überblick", None, "Überblick", "überblick"),
    ("   ##   Spaces  ", None, "Spaces", "spaces"),
    ("## !!!", None, "!!!", "section"),
])  # fmt: skip
def test_number_title_and_id_follow_from_the_heading(heading: str, number: str | None, title: str, name: str) -> None:
    (section,) = document(f"{heading}\n").walk()
    assert (section.number, section.title, section.id) == (number, title, name)


@pytest.mark.parametrize("line", ["##Title", "    ## Title", "> ## Title", "\\## Title", "####### Title"])
def test_what_only_looks_like_a_heading_is_none(line: str) -> None:
    assert document(f"{line}\n").sections == ()


def test_acceptance_criteria_is_no_section_at_either_level() -> None:
    section = one("## A\n\n### Acceptance Criteria\n\n- [ ] a\n\n## Acceptance Criteria\n\n- [x] b\n")
    assert [criterion.text for criterion in section.criteria] == ["a", "b"]
    assert "### Acceptance Criteria" in section.content
    assert one("## Acceptance criteria\n").title == "Acceptance criteria"


def test_lines_count_in_the_whole_file_and_a_body_ends_before_the_next_heading() -> None:
    first, second = document("## A\n\ntext\n\n### B\nlast").sections[0].walk()
    assert (first.start_line, first.end_line, first.content) == (4, 7, "\ntext\n\n")
    assert (second.start_line, second.end_line, second.content) == (8, 9, "last")


def test_two_sections_of_one_name_get_different_ids() -> None:
    found = document("## A\n## A\n## A\n")
    assert [section.id for section in found.sections] == ["a", "a-2", "a-3"]
    assert [item.rule for item in found.diagnostics] == ["section.duplicate", "section.duplicate"]


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize(("word", "state", "reference"), [
    ("draft", "draft", None), ("todo", "todo", None), ("in_progress", "in_progress", None), ("done", "done", None),
    ("deprecated", "deprecated", None), ("blocked", "blocked", None), ("blocked:PAY-7", "blocked", "PAY-7"),
])  # fmt: skip
def test_every_state_is_read_bare_blocked_too(word: str, state: str, reference: str | None) -> None:
    status = one(f"## 1. A\n<!-- canon:system:1 status:{word} -->\n").status
    assert (status.state, status.blocked_by, status.line) == (State(state), reference, 5)
    assert str(status) == word


def test_a_section_without_a_status_is_a_draft() -> None:
    assert (one("## A\n").status.state, one("## A\n").status.line) == (State.DRAFT, None)


def test_an_unknown_state_is_a_draft_and_an_error() -> None:
    found = document("## A\n<!-- canon:system:a status:finished -->\n")
    assert found.sections[0].status.state is State.DRAFT
    assert [(item.rule, item.line, item.column) for item in found.diagnostics] == [("status.unknown", 5, 1)]
    assert "`finished`" in found.diagnostics[0].message


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize("target", ["3", "3-idempotency-layer", "idempotency-layer", "idempotency"])
def test_a_status_names_its_section_by_number_id_or_slug(target: str) -> None:
    assert one(f"## 3. Idempotency Layer\n<!-- canon:system:{target} status:done -->\n").status.state is State.DONE


@pytest.mark.parametrize("target", ["4", "3.1", "4-other"])
def test_the_status_of_another_number_is_not_read(target: str) -> None:
    assert one(f"## 3. A\n<!-- canon:system:{target} status:done -->\n").status.state is State.DRAFT
    assert rules(f"## 3. A\n<!-- canon:system:{target} status:done -->\n") == ["status.mismatch"]


def test_the_slug_of_another_section_is_not_read_in_a_numbered_one() -> None:
    assert rules("## 1. A\n<!-- canon:system:b status:done -->\n## 2. B\n") == ["status.mismatch"]


def test_in_a_section_without_number_any_id_counts_and_the_last_status_wins() -> None:
    body = "## A\n<!-- canon:system:7 status:todo -->\ntext\n<!-- specwright:system:x status:done -->\n"
    assert one(body).status.state is State.DONE
    assert rules(body) == ["status.repeated"]


@pytest.mark.contract("Canon", "spec parser")
def test_tickets_the_last_one_wins_and_other_systems_are_told() -> None:
    section = one(
        "## A\n<!-- canon:ticket:jira:PAY-1 -->\n<!-- canon:ticket:github:o/r#42 url:https://x/42 -->\n<!-- canon:ticket:trello:1 -->\n"
    )
    assert section.ticket
    assert (section.ticket.system, section.ticket.id, section.ticket.url, section.ticket.line) == ("github", "o/r#42", "https://x/42", 6)
    assert rules("## A\n<!-- canon:ticket:trello:1 -->\n") == ["comment.ticket"]


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize("kind", ["added", "modified", "removed"])
def test_deltas(kind: str) -> None:
    delta = one(f"## A\n<!-- canon:delta:{kind} -->\n").delta
    assert delta
    assert (delta.kind, delta.line) == (kind, 5)


@pytest.mark.parametrize(("comment", "rule"), [
    ("canon:delta:gone", "comment.delta"), ("canon:system:1", "comment.status"), ("canon:ticket:jira", "comment.ticket"),
    ("canon:realized-in:commit x", "comment.evidence"), ("canon:wibble:1", "comment.unknown"), ("canon:", "comment.unknown"),
    ("canon:section:docs/a:2.1", "comment.section"),
])  # fmt: skip
def test_what_a_comment_of_ours_says_wrong_is_told(comment: str, rule: str) -> None:
    assert rules(f"## A\n<!-- {comment} -->\n") == [rule]


def test_a_comment_within_a_line_is_told_but_not_in_code() -> None:
    assert rules("## A\ntext <!-- canon:delta:added -->\n") == ["comment.misplaced"]
    assert rules("## A\n`<!-- canon:delta:added -->` is a mark\n```\n<!-- canon:delta:added -->\n```\n") == []


def test_comments_and_criteria_before_the_first_section_belong_to_none() -> None:
    assert rules("<!-- canon:system:1 status:done -->\n- [ ] a\n## A\n") == ["comment.orphan", "ac.orphan"]


@pytest.mark.contract("Canon", "spec parser")
def test_scenarios_need_steps_and_take_keywords_of_any_case() -> None:
    section = one(
        "## A\n#### Scenario: two ways\n"
        "- given a\n- WHEN b\n- Then c\n- and d\n- BUT e\n#### Scenario: none\ntext\n- GIVEN but no scenario\n"
    )
    assert [(item.name, item.line) for item in section.scenarios] == [("two ways", 5), ("none", 11)]
    assert [(step.keyword, step.text, step.line) for step in section.scenarios[0].steps] == [
        ("GIVEN", "a", 6),
        ("WHEN", "b", 7),
        ("THEN", "c", 8),
        ("AND", "d", 9),
        ("BUT", "e", 10),
    ]
    assert rules("## A\n#### Scenario: none\ntext\n") == ["scenario.empty"]


@pytest.mark.contract("Canon", "spec parser")
@pytest.mark.parametrize("code", [
    "```\n{}\n```", "~~~\n{}\n~~~", "````\n```\n{}\n````", "```` python\n{}\n`````", "   ```\n{}\n   ```", "- item\n  ```\n  {}\n  ```",
    "- ```\n  {}\n  ```", "1. item\n\n   ~~~\n   {}\n   ~~~", "<pre>\n{}\n</pre>", "<!--\n{}\n-->", "<script>\n{}\n</script>",
])  # fmt: skip
@pytest.mark.parametrize("line", ["## Shown", "- [ ] shown", "<!-- canon:system:1 status:done -->"])
@pytest.mark.criterion("living-specs#code-is-code")
def test_what_stands_in_code_or_is_hidden_means_nothing(code: str, line: str) -> None:
    section, after = document(f"## 1. A\n{code.format(line)}\n## B\n").sections
    assert (section.title, section.criteria, section.status.state, after.title) == ("A", (), State.DRAFT, "B")


@pytest.mark.parametrize("text", ["``` not `a` fence\n## B\n", "- a\n  ```\n  code\nout\n## B\n", "text\n\n    ```\n## B\n"])
def test_what_only_looks_like_a_fence_hides_nothing(text: str) -> None:
    assert [section.title for section in document(f"## A\n{text}").sections] == ["A", "B"]


@pytest.mark.parametrize(("opening", "rule"), [("```", "code.unclosed"), ("<!--", "comment.unclosed")])
def test_what_never_ends_is_told(opening: str, rule: str) -> None:
    found = document(f"## A\n{opening}\n## B\n")
    assert [section.title for section in found.sections] == ["A"]
    assert [(item.rule, item.line) for item in found.diagnostics] == [(rule, 5)]


def test_line_ends_of_every_kind_and_a_byte_order_mark_change_nothing() -> None:
    text = HEAD + "## 1. A\n<!-- canon:system:1 status:done -->\n\n- [x] a\n## B\n"
    plain = parse(text)
    for end in ("\r\n", "\r"):
        assert parse(b"\xef\xbb\xbf" + text.replace("\n", end).encode()) == plain


def test_files_that_are_no_text_give_a_diagnostic() -> None:
    assert [found.rule for found in parse(b"---\ntitle: a\0\n---\n").diagnostics] == ["file.binary"]
    assert [found.rule for found in parse(b"x" * (1 << 20) + b"x").diagnostics] == ["file.too_large"]
    broken = parse(b"---\ntitle: a\n---\n## A\n\n\xff\n- [ ] b\n")
    assert [(found.rule, found.line) for found in broken.diagnostics] == [("file.encoding", 6)]
    assert [criterion.line for _, criterion in broken.criteria()] == [7]
