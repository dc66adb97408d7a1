"""What is kept of a state."""

import pytest

from canonry.infra.kept import Kept


def test_a_value_is_made_once_for_each_state() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    kept = Kept[int](10)
    assert [kept.get("a", state, make) for state in (1, 1, 2, 2, 1)] == [0, 0, 1, 1, 2]
    assert kept.get("b", 1, make) == 3
    assert kept.get("a", 1, make) == 2


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    kept = Kept[str](10, len)
    for key in ("a", "b", "a", "c"):
        kept.get(key, 1, lambda: "1234")
    assert kept.get("a", 1, lambda: "new") == "1234"
    assert kept.get("b", 1, lambda: "new") == "new"


def test_a_value_that_is_too_heavy_is_returned_and_not_kept() -> None:
    kept = Kept[str](3, len)
    assert kept.get("a", 1, lambda: "12345") == "12345"
    assert kept.get("a", 1, lambda: "x") == "x"
    assert kept.get("a", 1, lambda: "y") == "x"


def test_nothing_is_kept_of_what_failed() -> None:
    def fail() -> int:
        raise ValueError

    kept = Kept[int](3)
    with pytest.raises(ValueError):  # noqa: PT011 -- the one above
        kept.get("a", 1, fail)
    assert kept.get("a", 1, lambda: 7) == 7


def test_what_is_made_anew_is_given_what_was_kept() -> None:
    kept = Kept[list[int]](10)
    seen: list[list[int] | None] = []

    def make(before: list[int] | None) -> list[int]:
        seen.append(before)
        return [*(before or []), len(seen)]

    assert [kept.renew("a", state, make) for state in (1, 1, 2)] == [[1], [1], [1, 2]]
    assert seen == [None, [1]]


def test_what_weighs_nothing_is_not_kept_without_end() -> None:
    kept = Kept[str](3, len)
    for key in range(4):
        kept.get(key, 1, str)
    assert kept.get(3, 1, lambda: "x") == ""
    assert kept.get(0, 1, lambda: "x") == "x"
