"""The pools of connections; that a server's death is survived is proved by tests/journeys/test_services_die.py and tests/worker."""

from psycopg_pool.base import AttemptWithBackoff

from canonry.infra import db


def test_a_server_that_is_back_after_a_long_time_is_found_as_soon_as_one_that_was_away_for_a_moment() -> None:
    assert db.AttemptWithBackoff is AttemptWithBackoff  # set there for every pool of the process
    attempt = AttemptWithBackoff(timeout=300)
    pauses = []
    for second in range(60):
        attempt.update_delay(second)
        pauses.append(attempt.delay)
    assert max(pauses) < 1
