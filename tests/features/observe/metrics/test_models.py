"""Samples become one, whichever way they are put together."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.features.observe.metrics.models import Sample, merge, resample, start_of

_START = datetime(2026, 11, 25, 12, tzinfo=UTC)
_SAMPLES = st.lists(
    st.builds(
        Sample, at=st.integers(0, 400).map(lambda step: _START + timedelta(seconds=10 * step)), looks=st.integers(0, 3),
        cpu_seconds=st.integers(0, 20).map(float), seconds=st.just(10.0), core_seconds=st.just(20.0), memory=st.integers(0, 1 << 30),
        memory_most=st.integers(0, 1 << 30), memory_limit=st.just(1 << 30), instances=st.integers(0, 5).map(float),
        requests=st.integers(0, 1000), status_2xx=st.integers(0, 1000), status_5xx=st.integers(0, 1000),
        latency=st.dictionaries(st.integers(0, 35), st.integers(1, 9), max_size=4),
    ),
    max_size=40, unique_by=lambda sample: sample.at,
)  # fmt: skip


@given(_SAMPLES)
def test_minutes_first_or_ten_minutes_at_once_is_the_same(samples: list[Sample]) -> None:
    direct, twice = resample(samples, 600), resample(resample(samples, 60), 600)
    assert [sample.at for sample in direct] == [sample.at for sample in twice]
    for one, other in zip(direct, twice, strict=True):
        assert (one.requests, one.status_2xx, one.status_5xx, one.latency) == (
            other.requests, other.status_2xx, other.status_5xx, other.latency,
        )  # fmt: skip
        assert (one.looks, one.memory_most) == (other.looks, other.memory_most)
        assert one.cpu_seconds == pytest.approx(other.cpu_seconds)
        assert one.memory == pytest.approx(other.memory, abs=2)
        assert one.instances == pytest.approx(other.instances)


@given(_SAMPLES, st.sampled_from([10, 60, 600]))
def test_nothing_is_lost_or_counted_twice_and_the_oldest_comes_first(samples: list[Sample], step: int) -> None:
    steps = resample(samples, step)
    assert sum(sample.requests for sample in steps) == sum(sample.requests for sample in samples)
    assert [sample.at for sample in steps] == sorted({start_of(sample.at, step) for sample in samples})


def test_percents_say_of_what() -> None:
    busy = Sample(_START, looks=1, cpu_seconds=15, seconds=10, core_seconds=20, memory=300, memory_limit=400)
    assert (busy.cpu_of_one_core, busy.cpu_share, busy.memory_share) == (150, 75, 75)
    nothing = merge([], _START)
    assert (nothing.cpu_of_one_core, nothing.cpu_share, nothing.memory_share, nothing.requests) == (0, 0, 0, 0)


def test_memory_is_averaged_over_the_looks_and_requests_without_a_look_do_not_pull_it_down() -> None:
    merged = merge([Sample(_START, looks=1, memory=100), Sample(_START, looks=3, memory=300), Sample(_START, requests=5)], _START)
    assert (merged.memory, merged.requests) == (250, 5)
