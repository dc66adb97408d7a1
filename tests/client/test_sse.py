"""The parser of server-sent events: whatever the pieces, the same events."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from canonry.client.sse import EventParser, ServerEvent


def parse(stream: bytes) -> list[ServerEvent]:
    return EventParser().feed(stream)


def test_an_event_has_a_name_data_and_the_last_id() -> None:
    assert parse(b"id: 7\nevent: line\ndata: {}\n\n") == [ServerEvent("line", "{}", "7")]


def test_several_data_lines_are_one_text() -> None:
    assert parse(b"data: a\ndata\ndata:b\n\n") == [ServerEvent("message", "a\n\nb", "")]


def test_the_id_stays_until_another_comes() -> None:
    assert [event.last_id for event in parse(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")] == ["1", "1", ""]


def test_comments_unknown_fields_and_events_without_data_are_nothing() -> None:
    assert parse(b": ping\n\nretry: 5\n\nevent: empty\n\n") == []


def test_an_unfinished_event_is_not_given() -> None:
    assert parse(b"data: a\n") == []


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert parse(b"data:  a\n\n")[0].data == " a"


def test_a_byte_order_mark_and_a_null_in_an_id_are_ignored() -> None:
    assert parse(b"\xef\xbb\xbfid: a\0b\ndata: x\n\n") == [ServerEvent("message", "x", "")]


LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12)


@given(
    events=st.lists(st.tuples(LINE, st.lists(LINE, min_size=1, max_size=3)), max_size=5),
    ending=st.sampled_from(["\n", "\r\n"]),
    cuts=st.lists(st.integers(0, 400)),
)
def test_any_events_come_through_in_any_pieces(events: list[tuple[str, list[str]]], ending: str, cuts: list[int]) -> None:
    text = "".join(f"id: {name}{ending}{''.join(f'data: {line}{ending}' for line in lines)}{ending}" for name, lines in events)
    stream = text.encode()
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parser = EventParser()
    found = [event for start, end in pairwise(places) for event in parser.feed(stream[start:end])]
    assert found == [ServerEvent("message", "\n".join(lines), name) for name, lines in events]
    assert found == parse(stream)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_garbage_never_raises_and_does_not_depend_on_the_pieces(stream: bytes, cut: int) -> None:
    parser = EventParser()
    assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == parse(stream)
