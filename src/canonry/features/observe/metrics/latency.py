"""How long requests took, as counts in buckets that can be added: two minutes make one, two instances make one.

Bucket n holds what took up to 0.5 ms x 2^(n/2). A quantile read from them lies in the bucket of the true one: within 42 % of it, mostly
much nearer, from half a millisecond to a minute.
"""

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping

_FIRST = 0.0005
_COUNT = 35  # the last ends at 65.5 s; one more holds what took longer

BOUNDS = tuple(_FIRST * 2 ** (number / 2) for number in range(_COUNT))
"""The upper ends of the buckets, in seconds."""

type Buckets = Mapping[int, int]


def bucket_of(seconds: float) -> int:
    """Return the bucket of a request that took so long."""
    return bisect.bisect_left(BOUNDS, seconds)


def add(parts: Iterable[Buckets]) -> dict[int, int]:
    """Return the buckets of all parts together."""
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def quantile(buckets: Buckets, share: float) -> float | None:
    """Return within how many seconds that share (0 to 1) of the requests was answered; None when there are none."""
    total = sum(buckets.values())
    if total == 0:
        return None
    wanted, below = share * total, 0
    for number, count in sorted(buckets.items()):
        if count and below + count >= wanted:
            low = BOUNDS[number - 1] if number else 0.0
            high = BOUNDS[number] if number < _COUNT else BOUNDS[-1] * 2
            return low + (high - low) * max(0.0, wanted - below) / count
        below += count
    return None


def to_pairs(buckets: Buckets) -> list[int]:
    """Return them as the database keeps them: bucket, count, bucket, count."""
    return [value for pair in sorted(buckets.items()) if pair[1] for value in pair]


def from_pairs(pairs: Iterable[int]) -> dict[int, int]:
    """Read what `to_pairs` made."""
    return dict(itertools.batched(pairs, 2))  # type: ignore[arg-type]  # batches of two
