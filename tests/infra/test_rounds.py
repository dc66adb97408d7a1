"""Work by the clock: when it has its turn, and what a failure does."""

import pytest

from canonry.core.errors import CanonryError, Invalid
from canonry.infra.rounds import Every


def test_it_is_done_at_once_and_then_not_before_its_time() -> None:
    done: list[int] = []
    part = Every(3600, "counting", lambda: done.append(1))
    for _ in range(3):
        part.round()
    assert done == [1]


def test_it_has_its_turn_again() -> None:
    done: list[int] = []
    part = Every(0, "counting", lambda: done.append(1))
    for _ in range(3):
        part.round()
    assert done == [1, 1, 1]


@pytest.mark.parametrize("error", [Invalid("bad", "It is bad."), OSError("no disk")])
def test_what_fails_is_logged_under_its_name_and_done_again(error: CanonryError | OSError, caplog: pytest.LogCaptureFixture) -> None:
    left: list[Exception] = [error]

    def work() -> None:
        if left:
            raise left.pop()

    part = Every(0, "counting", work)
    part.round()
    assert [record.getMessage() for record in caplog.records] == [f"counting: {error}"]
    part.round()
    assert len(caplog.records) == 1


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        Every(0, "counting", lambda: 1 // 0 and None).round()
