"""Which moments can be reached, and what differs: pure decisions."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.features.backups.restores.comparison import Table, difference
from canonry.features.backups.restores.rules import Covered, Span, parse_moment, reach_of, require_reachable

ZERO = datetime(2026, 11, 22, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return ZERO + timedelta(minutes=minutes)


def backup(minute: int, last: int) -> Covered:
    return Covered(at(minute), at(minute + 0.5), 1, last, 0)


def test_a_missing_segment_ends_a_span_and_the_next_backup_begins_another() -> None:
    segments = [(1, number, at(number)) for number in range(40) if number not in {12, 13}]
    spans = reach_of([backup(5, 5), backup(20, 20)], segments, at(50))
    assert spans == [Span(at(5), at(11)), Span(at(20), at(50))]
    for minute, inside in ((4, False), (5, True), (11, True), (12, False), (19, False), (20, True), (50, True), (51, False)):
        if inside:
            assert require_reachable(at(minute), spans).start <= at(minute)
        else:
            with pytest.raises(Invalid) as refused:
                require_reachable(at(minute), spans)
            assert "00:05:00" in refused.value.message


def test_without_a_backup_nothing_can_be_reached() -> None:
    assert reach_of([], [(1, 1, at(1))], at(9)) == []
    with pytest.raises(Invalid, match="no backup yet"):
        require_reachable(at(1), [])


def test_segments_of_another_timeline_do_not_follow() -> None:
    assert reach_of([backup(5, 5)], [(1, 6, at(6)), (2, 7, at(7))], None) == [Span(at(5), at(6))]


@given(st.lists(st.integers(0, 60), max_size=5), st.sets(st.integers(0, 70), max_size=60), st.booleans())
def test_spans_are_in_order_apart_and_hold_only_what_the_archive_has(backups: list[int], archived: set[int], open_end: bool) -> None:
    segments = [(1, number, at(number)) for number in archived]
    spans = reach_of([backup(minute, minute) for minute in backups], segments, at(100) if open_end else None)
    assert all(span.start <= span.end for span in spans)
    assert all(one.end < other.start for one, other in itertools.pairwise(spans))
    assert {span.start for span in spans} <= {at(minute) for minute in backups}
    for span in spans:
        first = min(minute for minute in backups if at(minute) == span.start)
        for number in range(first + 1, 71):
            if number not in archived and not any(minute >= number for minute in backups) and not open_end:
                assert span.end < at(number + 1)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_read_as_it_is_written(moment: datetime) -> None:
    assert parse_moment(moment.isoformat()) == moment


@given(st.text(max_size=40))
def test_whatever_else_is_written_is_refused_with_the_field(text: str) -> None:
    paths = ["body.at"]
    try:
        parse_moment(text)
    except Invalid as error:
        paths = [issue.path for issue in error.issues]
    assert paths == ["body.at"]


def test_what_is_the_same_is_only_counted() -> None:
    same, more = Table(2, exact=True, column="id", newest="2"), Table(3, exact=False, column="id", newest=None)
    found = difference({"a": same, "b": same, "c": same}, {"a": same, "b": more, "d": same})
    assert [(item["table"], item["change"]) for item in found["tables"]] == [("b", "rows"), ("c", "only_live"), ("d", "only_restored")]
    assert (found["same"], found["complete"]) == (1, False)
