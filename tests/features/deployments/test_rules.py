"""Decisions about deployments and instances."""

from itertools import pairwise

import pytest

from canonry.features.deployments.rules import back_off, crash_status


class TestBackOff:
    def test_the_first_end_is_followed_by_a_start_at_once(self) -> None:
        assert back_off(1) == 0

    def test_it_grows_and_stays_within_a_minute(self) -> None:
        waits = [back_off(failures) for failures in range(1, 40)]
        assert all(before <= after for before, after in pairwise(waits))
        assert max(waits) == 60


@pytest.mark.parametrize(("failures", "status"), [(1, "crashed"), (4, "crashed"), (5, "crash_loop"), (50, "crash_loop")])
def test_an_instance_that_keeps_ending_is_shown_as_a_crash_loop(failures: int, status: str) -> None:
    assert crash_status(failures) == status
