"""The contract of counting calls (`ports/rates.py`), over every adapter."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from canonry.adapters.rates.memory import MemoryRates
from canonry.adapters.rates.redis import RedisRates
from canonry.ports.rates import Rates


@pytest.fixture(params=["memory", "redis"])
def rates(request: pytest.FixtureRequest) -> Iterator[Rates]:
    if request.param == "memory":
        yield MemoryRates()
        return
    counting = RedisRates(request.getfixturevalue("redis_server").url)
    yield counting
    counting.close()


def test_each_call_gets_the_next_number_until_the_window_ends(rates: Rates) -> None:
    began = time.time()
    hits = [rates.hit("ada", 60) for _ in range(3)]
    assert [hit.used for hit in hits] == [1, 2, 3]
    assert all(began + 59 < hit.resets_at < time.time() + 60.1 for hit in hits)


def test_callers_have_windows_of_their_own(rates: Rates) -> None:
    assert [rates.hit(key, 60).used for key in ("ada", "bob", "ada", "bob", "ada")] == [1, 1, 2, 2, 3]


def test_after_the_window_another_begins(rates: Rates) -> None:
    first = [rates.hit("ada", 1) for _ in range(3)]
    time.sleep(max(0.0, first[-1].resets_at - time.time()) + 0.05)
    again = rates.hit("ada", 1)
    assert again.used == 1
    assert again.resets_at > first[-1].resets_at


def test_of_many_at_once_each_gets_another_number(rates: Rates) -> None:
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _: rates.hit("ada", 60).used, range(400)))
    assert sorted(used) == list(range(1, 401))
