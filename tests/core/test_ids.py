"""Identifiers: their form, and that there is never the same one twice."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from canonry.core.ids import is_id, new_id


def test_an_id_says_what_it_is() -> None:
    made = new_id("prj")
    assert is_id(made, "prj")
    assert not is_id(made, "dep")


def test_ids_of_one_millisecond_differ_whatever_chance_says(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    monkeypatch.setattr(secrets, "randbits", lambda bits: (1 << bits) - 1)
    made = [new_id("tok") for _ in range(100)]
    assert len(set(made)) == 100
    assert made == sorted(made)


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [name for names in pool.map(lambda _: [new_id("evt") for _ in range(2_000)], range(8)) for name in names]
    assert len(set(made)) == len(made)
