"""Lengths of requests as counts that can be added."""

import math

from hypothesis import given
from hypothesis import strategies as st

from canonry.features.observe.metrics import latency

_SECONDS = st.lists(st.floats(0.000501, 60), min_size=1, max_size=200)


def buckets(values: list[float]) -> dict[int, int]:
    return latency.add([{latency.bucket_of(value): 1} for value in values])


@given(_SECONDS, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    true = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    read = latency.quantile(buckets(values), share)
    assert read is not None
    assert true / 1.42 <= read <= true * 1.42


@given(st.lists(_SECONDS, max_size=5))
def test_adding_parts_is_the_same_as_counting_all_at_once(parts: list[list[float]]) -> None:
    assert latency.add(buckets(part) for part in parts) == buckets([value for part in parts for value in part])


@given(st.dictionaries(st.integers(0, 35), st.integers(1, 1 << 30)))
def test_what_is_kept_comes_back(counts: dict[int, int]) -> None:
    assert latency.from_pairs(latency.to_pairs(counts)) == counts


def test_the_ends_of_the_scale_count_too() -> None:
    assert latency.quantile({}, 0.5) is None
    assert latency.bucket_of(0.0) == 0
    assert latency.bucket_of(86_400.0) == 35
    assert latency.quantile({35: 10}, 0.5) is not None
    assert latency.quantile({0: 10}, 0.5) == 0.00025
