"""Cursors: what was written is read, and nothing else is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.core.paging import Page, Signer, cut, parse_page

SIGNER = Signer(b"k" * 32, "org_1 /v1/projects")


@dataclass(frozen=True)
class Row:
    id: str
    created_at: datetime


moments = st.datetimes(timezones=st.just(UTC))
rows = st.builds(Row, st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), moments)


@given(row=rows, limit=st.integers(1, 100))
def test_a_cursor_says_behind_which_row_to_go_on(row: Row, limit: int) -> None:
    page = Page(1, signer=SIGNER)
    _, cursor = cut([row, row], page)
    assert cursor is not None
    assert cursor.isascii()
    assert set("+/=?&") & set(cursor) == set()
    assert parse_page(limit, cursor, SIGNER) == Page(limit, row.created_at, row.id)


@given(
    row=rows, position=st.integers(0, 10_000), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
)
def test_a_changed_cursor_is_refused(row: Row, position: int, letter: str) -> None:
    _, cursor = cut([row, row], Page(1, signer=SIGNER))
    assert cursor is not None
    place = position % (len(cursor) - 1)  # the last letter may carry bits that mean nothing
    changed = cursor[:place] + letter + cursor[place + 1 :]
    if changed != cursor:
        refuse(changed, SIGNER)


@given(text=st.text(max_size=80))
def test_whatever_else_is_refused(text: str) -> None:
    refuse(text, SIGNER)


@pytest.mark.parametrize("signer", [Signer(b"k" * 32, "org_2 /v1/projects"), Signer(b"l" * 32, "org_1 /v1/projects"), Page().signer])
def test_a_cursor_belongs_to_one_list_of_one_canonry(signer: Signer) -> None:
    _, cursor = cut([Row("a", datetime.now(UTC)), Row("b", datetime.now(UTC))], Page(1, signer=SIGNER))
    assert cursor is not None
    refuse(cursor, signer)


@given(count=st.integers(0, 12), limit=st.integers(1, 5), added=st.lists(st.integers(0, 3), max_size=12))
def test_pages_show_each_row_that_was_there_once_while_newer_ones_are_added(count: int, limit: int, added: list[int]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    table = [Row(f"{number:04}", start + timedelta(seconds=number // 3)) for number in range(count)]  # some at the same moment
    there, seen, cursor = sorted(table, key=_place, reverse=True), [], None
    for news in [*added, *[0] * 12]:
        page = parse_page(limit, cursor, SIGNER)
        older = [row for row in table if page.before is None or _place(row) < (page.before, page.before_id)]
        shown, cursor = cut(sorted(older, key=_place, reverse=True)[: limit + 1], page)
        seen += shown
        if cursor is None:
            break
        table += [Row(f"{len(table) + n:04}", start + timedelta(hours=1)) for n in range(news)]
    assert (seen, cursor) == (there, None)


def refuse(cursor: str, signer: Signer) -> None:
    with pytest.raises(Invalid) as caught:
        parse_page(10, cursor, signer)
    assert caught.value.code == "invalid_cursor"


def _place(row: Row) -> tuple[datetime, str]:
    return row.created_at, row.id
