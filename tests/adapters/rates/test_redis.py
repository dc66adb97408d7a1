"""What is special about counting in Redis: it is shared, and it may be away."""

import logging

import pytest

from canonry.adapters.rates.redis import RedisRates
from tests.support.redis import RedisServer


def test_two_processes_share_one_window(redis_server: RedisServer) -> None:
    one, other = RedisRates(redis_server.url), RedisRates(redis_server.url)
    assert [rates.hit("ada", 60).used for rates in (one, other, one, other)] == [1, 2, 3, 4]
    one.close()
    other.close()


def test_while_it_is_away_each_process_counts_for_itself_and_says_so_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canonry.adapters.rates.redis._AWAY", 1000.0)
    rates = RedisRates(redis_server.url)
    assert rates.hit("ada", 60).used == 1
    redis_server.stop()
    with caplog.at_level(logging.WARNING):
        assert [rates.hit("ada", 60).used for _ in range(50)] == list(range(1, 51))
    assert len([record for record in caplog.records if "Redis does not answer" in record.getMessage()]) == 1
    redis_server.start()
    rates._back_at = 0.0  # the time is over
    assert rates.hit("ada", 60).used == 1  # a new Redis, so a new window: it is asked again
    rates.close()
