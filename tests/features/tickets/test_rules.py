"""Who follows whom, and what a ticket says: pure rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.features.tickets.models import Link
from canonry.features.tickets.rules import CLOSED, decide, fill, fingerprint_in, state_of
from canonry.ports.trackers import Ticket
from canonry.specs.models import State

STATES = st.sampled_from(State)


def _ticket(state: str, raw: str) -> Ticket:
    return Ticket("A-1", "", "A", "", "", state, None, raw, "Task", (), (), None, None, {}, (), "", "")


@given(
    section=STATES, ticket=STATES, last=st.none() | st.tuples(STATES, STATES), lifecycle=st.sampled_from(("true", "false", "close_only"))
)
@pytest.mark.criterion("living-specs#no-ping-pong")
def test_nobody_moves_twice(section: State, ticket: State, last: tuple[State, State] | None, lifecycle: str) -> None:
    """Whatever is decided, afterwards there is nothing left to do: no ping-pong."""
    link = None if last is None else Link("canonry", "A-1", str(last[0]), str(last[1]), "")
    step = decide(section, ticket, link, lifecycle)
    if step.kind == "reverse":
        section = ticket
    elif step.kind != "nothing":
        assert lifecycle != "false" or (section in CLOSED) == (ticket in CLOSED)
        ticket = section
    again = decide(section, ticket, Link("canonry", "A-1", str(section), str(ticket), ""), lifecycle)
    assert again.kind == "nothing"


@given(STATES, STATES, STATES)
def test_a_ticket_that_moved_alone_is_followed(before: State, section: State, ticket: State) -> None:
    del section
    step = decide(before, ticket, Link("canonry", "A-1", str(before), str(before), ""), "true")
    assert step.kind == ("nothing" if ticket == before else "reverse")


def test_the_maps_of_the_configuration_translate_both_ways() -> None:
    maps: dict[str, Any] = {"reverse": {"Shipped": "done", "Odd": "nonsense"}, "fallback": "draft"}
    assert state_of(_ticket("todo", "shipped"), maps) is State.DONE
    assert state_of(_ticket("todo", "Odd"), maps) is State.TO_DO
    assert state_of(_ticket("strange", "Other"), maps) is State.DRAFT
    assert state_of(_ticket("strange", "Other"), {"reverse": ["no", "map"]}) is State.TO_DO


@given(st.text(), st.lists(st.text()))
def test_values_are_never_looked_through_again(value: str, items: list[str]) -> None:
    values = {"spec": {"title": "T", "value": value}, "items": items}
    assert fill("<{{spec.value}}>", values) == f"<{value}>"
    assert fill("{{#each items}}<{{this}}>{{/each}}", values) == "".join(f"<{item}>" for item in items)


def test_unknown_names_are_empty_and_lists_are_joined() -> None:
    assert fill("a{{nothing}}{{spec.nothing.more}}{{#each nothing}}x{{/each}}b", {"spec": {}}) == "ab"
    assert fill("{{tags}}", {"tags": ["a", "b"]}) == "a, b"


def test_the_last_mark_of_a_text_counts() -> None:
    assert fingerprint_in("a <!-- canon:section:docs/a b:1.2 -->\n<!-- canon:section:docs/c:3 -->\n") == "docs/c:3"
    assert fingerprint_in("<!-- specwright:section:x:1 -->") == "x:1"
    assert fingerprint_in("none") is None
