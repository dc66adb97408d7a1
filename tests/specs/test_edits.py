"""Writing into a file changes one line and no other byte."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import CanonryError, Conflict, Invalid, NotFound
from canonry.specs import parse
from canonry.specs.edits import add_evidence, find_section, set_checked, set_delta, set_field, set_status, set_ticket
from canonry.specs.lines import byte_offsets, split

TEXT = """---
title: T
---

## 1. First

<!-- canon:system:1 status:todo -->
<!-- canon:ticket:jira:PAY-1 url:https://old -->

Text.

### Acceptance Criteria

- [ ] The a MUST b
- [x] The c MUST d
  <!-- canon:realized-in:PR#1 file:src/a.py:1-2 -->

## 2. Second
"""


def lines_changed(old: bytes, new: bytes) -> tuple[list[str], list[str]]:
    """Return the lines that went and the lines that came; everything around them has to be equal."""
    before, after = (split(content.decode(errors="surrogateescape")) for content in (old, new))
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return before[start : len(before) - end], after[start : len(after) - end]


def test_a_status_is_replaced_in_its_line() -> None:
    assert lines_changed(TEXT.encode(), set_status(TEXT.encode(), "1", "blocked:PAY-7")) == (
        ["<!-- canon:system:1 status:todo -->\n"], ["<!-- canon:system:1 status:blocked:PAY-7 -->\n"]
    )  # fmt: skip


def test_a_section_without_a_status_gets_one_below_its_heading() -> None:
    assert lines_changed(TEXT.encode(), set_status(TEXT.encode(), "2-second", "done")) == ([], ["<!-- canon:system:2 status:done -->\n"])


def test_a_comment_comes_after_those_that_are_there() -> None:
    new = set_delta(TEXT.encode(), "1", "modified").decode()
    assert "PAY-1 url:https://old -->\n<!-- canon:delta:modified -->\n\nText." in new
    assert "\n## 2. Second\n" in new


def test_ticks_go_to_and_fro() -> None:
    new = set_checked(TEXT.encode(), "the A must B")
    assert lines_changed(TEXT.encode(), new) == (["- [ ] The a MUST b\n"], ["- [x] The a MUST b\n"])
    assert set_checked(new, "The a MUST b") == new
    assert set_checked(new, "The a MUST b", checked=False) == TEXT.encode()


def test_evidence_goes_below_what_is_there_and_once() -> None:
    new = add_evidence(TEXT.encode(), "The c MUST d", source="PR#2", path="src/b.py", lines="7")
    assert lines_changed(TEXT.encode(), new) == ([], ["  <!-- canon:realized-in:PR#2 file:src/b.py:7 -->\n"])
    assert add_evidence(new, "The c MUST d", source="PR#2", path="src/b.py", lines="7") == new
    first = add_evidence(TEXT.encode(), "The a MUST b", source="audit", path="x")
    assert b"- [ ] The a MUST b\n  <!-- canon:realized-in:audit file:x -->\n- [x]" in first


def test_a_ticket_replaces_the_one_that_is_there_and_a_url_that_ends_the_comment_is_dropped() -> None:
    new = set_ticket(TEXT.encode(), "1", system="github", ticket="o/r#3", url="https://x/--><script>")
    assert lines_changed(TEXT.encode(), new) == (
        ["<!-- canon:ticket:jira:PAY-1 url:https://old -->\n"], ["<!-- canon:ticket:github:o/r#3 -->\n"]
    )  # fmt: skip


def test_a_delta_can_be_replaced_and_taken_away() -> None:
    new = set_delta(TEXT.encode(), "2", "added")
    assert b"<!-- canon:delta:removed -->" in set_delta(new, "2", "removed")
    assert set_delta(set_delta(new, "2", "removed"), "2", None) == TEXT.encode()
    assert set_delta(TEXT.encode(), "2", None) == TEXT.encode()


def test_a_field_of_the_frontmatter_is_set_or_added() -> None:
    new = set_field(TEXT.encode(), "review_status", "approved")
    assert new.startswith(b"---\ntitle: T\nreview_status: approved\n---\n")
    assert set_field(new, "review_status", "draft").startswith(b"---\ntitle: T\nreview_status: draft\n---\n")
    with pytest.raises(Invalid):
        set_field(b"---\ntags:\n  - a\n---\n", "tags", "b")
    with pytest.raises(Conflict):
        set_field(b"## A\n", "status", "done")


@pytest.mark.parametrize(("ask", "kind", "code"), [
    (lambda: set_status(TEXT.encode(), "1", "finished"), Invalid, "state"),
    (lambda: set_status(TEXT.encode(), "1", "blocked:a b"), Invalid, "state"),
    (lambda: set_status(TEXT.encode(), "9", "done"), NotFound, "section_not_found"),
    (lambda: set_checked(TEXT.encode(), "nothing"), NotFound, "criterion_not_found"),
    (lambda: set_checked(b"## A\n- [ ] a\n- [ ] A\n", "a"), Conflict, "criterion_ambiguous"),
    (lambda: set_checked(b"\0", "a"), Conflict, "unreadable_spec"),
    (lambda: add_evidence(TEXT.encode(), "The a MUST b", source="me", path="x"), Invalid, "evidence"),
    (lambda: add_evidence(TEXT.encode(), "The a MUST b", source="audit", path="x -->"), Invalid, "evidence"),
    (lambda: add_evidence(TEXT.encode(), "The a MUST b", source="audit", path="x\ny"), Invalid, "evidence"),
    (lambda: set_ticket(TEXT.encode(), "1", system="trello", ticket="1"), Invalid, "ticket"),
    (lambda: set_delta(TEXT.encode(), "1", "new"), Invalid, "delta"),
])  # fmt: skip
def test_what_cannot_be_written_is_refused(ask: object, kind: type[CanonryError], code: str) -> None:
    assert callable(ask)
    with pytest.raises(kind) as caught:
        ask()
    assert caught.value.code == code
    assert caught.value.hint


def test_a_section_is_found_by_id_number_title_and_part_of_the_id() -> None:
    document = parse(TEXT)
    for wanted in ("2-second", "2", "2.", "Second", "second", "sec"):
        assert find_section(document, wanted).number == "2"


PIECES = st.sampled_from(
    [
        "## 1. A",
        "## B",
        "### 2.1 C",
        "### Acceptance Criteria",
        "",
        "text",
        "- [ ] The a MUST b",
        "  - [x] c",
        "\t-[X] ü {#named}",
        "- [ ] d",
        "  goes on",
        "<!-- canon:system:1 status:todo -->",
        "  <!-- specwright:system:b status:blocked:X-1   -->",
        "<!-- canon:ticket:jira:A-1 -->",
        "<!--canon:delta:added-->",
        "<!-- canon:realized-in:PR#1 file:a.py -->",
        "```",
        "~~~",
        "<!--",
        "-->",
        "#### Scenario: s",
        "- WHEN x",
        "\x85\x0b\u2028",
        "\udcff\udcfe",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    head = draw(st.sampled_from(["", "\ufeff", "---\ntitle: T\n---\n", "---\r\ntitle: T\r\nstatus: done\r\n---\r\n"]))
    body = "".join(draw(PIECES) + draw(ENDS) for _ in range(draw(st.integers(0, 14))))
    return (head + body + draw(st.sampled_from(["", "last", "- [ ] last", "## Last"]))).encode(errors="surrogateescape")


def values(content: bytes) -> list[object]:
    """What a file says, without where."""
    return [
        [
            (
                s.id,
                s.title,
                str(s.status),
                s.ticket and (s.ticket.system, s.ticket.id),
                s.delta and s.delta.kind,
                [(c.id, c.text, c.checked, [(e.source, e.path, e.lines) for e in c.evidence]) for c in s.criteria],
            )
            for s in parse(content).walk()
        ]
    ]


@given(files(), st.sampled_from(["todo", "done", "blocked", "blocked:PAY-7", "in_progress"]), st.integers(0, 20))
@pytest.mark.criterion("living-specs#one-line")
def test_writing_a_status_changes_that_and_nothing_else(content: bytes, state: str, at: int) -> None:
    sections = list(parse(content).walk())
    if not sections:
        return
    section = sections[at % len(sections)]
    new = set_status(content, section.id, state)
    removed, added = lines_changed(content, new)
    assert len(added) <= 1 + bool(removed and not removed[0].endswith(("\n", "\r")))
    assert len(removed) <= 1
    after = {item.id: item for item in parse(new).walk()}
    assert list(after) == [item.id for item in sections]
    assert str(after[section.id].status) == state
    for item in sections:
        if item.id != section.id:
            assert str(after[item.id].status) == str(item.status)
    assert [c.text for _, c in parse(new).criteria()] == [c.text for _, c in parse(content).criteria()]
    assert set_status(new, section.id, state) == new


@given(files(), st.booleans(), st.integers(0, 20))
@pytest.mark.criterion("living-specs#one-line")
def test_ticking_changes_one_character(content: bytes, checked: bool, at: int) -> None:
    criteria = [criterion for _, criterion in parse(content).criteria()]
    if not criteria:
        return
    criterion = criteria[at % len(criteria)]
    new = set_checked(content, criterion.id, checked=checked)
    assert len(new) == len(content)
    assert sum(a != b for a, b in zip(content, new, strict=True)) == (criterion.checked is not checked)
    assert [(c.id, c.checked) for _, c in parse(new).criteria()] == [
        (c.id, checked if c.id == criterion.id else c.checked) for c in criteria
    ]  # fmt: skip


@given(files(), st.integers(0, 20))
@pytest.mark.criterion("living-specs#one-line")
def test_evidence_adds_one_line_and_reaches_its_criterion_only(content: bytes, at: int) -> None:
    criteria = [criterion for _, criterion in parse(content).criteria()]
    if not criteria:
        return
    criterion = criteria[at % len(criteria)]
    new = add_evidence(content, criterion.id, source="PR#99", path="src/new.py", lines="3-9")
    wanted = [(c.id, len(c.evidence) + (c.id == criterion.id)) for c in criteria]
    assert [(c.id, len(c.evidence)) for _, c in parse(new).criteria()] == wanted
    without_ends = new.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"")
    assert without_ends.replace(b"<!--canon:realized-in:PR#99file:src/new.py:3-9-->", b"") == content.replace(b"\r", b"").replace(
        b"\n", b""
    ).replace(b" ", b"")


@given(st.binary(max_size=200))
def test_byte_offsets_cut_a_file_into_its_lines(content: bytes) -> None:
    offsets = byte_offsets(content)
    assert b"".join(content[start:end] for start, end in pairwise(offsets)) == content
    assert offsets[-1] == len(content)
