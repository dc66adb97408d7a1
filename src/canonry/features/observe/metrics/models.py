"""A sample, and how several become one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from canonry.features.observe.metrics import latency

TEN_SECONDS, MINUTE, TEN_MINUTES = 10, 60, 600


@dataclass(frozen=True)
class Sample:
    """What was used and answered from `at` on, for one step. Times are seconds.

    looks: how often the instances were looked at. seconds: time over which their cpu time is known, core_seconds: the same times the cores
    they might have used. memory: bytes on average, memory_most: at most, memory_limit: what they might have used. instances: on average.
    latency: requests by length, WebSockets left out.
    """

    at: datetime
    looks: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    core_seconds: float = 0.0
    memory: int = 0
    memory_most: int = 0
    memory_limit: int = 0
    instances: float = 0.0
    requests: int = 0
    status_2xx: int = 0
    status_3xx: int = 0
    status_4xx: int = 0
    status_5xx: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    @property
    def cpu_of_one_core(self) -> float:
        """Percent of one core, as `top` says it; two busy cores are 200."""
        return 100 * self.cpu_seconds / self.seconds if self.seconds else 0.0

    @property
    def cpu_share(self) -> float:
        """Percent of what the instances may use, 0 to 100."""
        return min(100.0, 100 * self.cpu_seconds / self.core_seconds) if self.core_seconds else 0.0

    @property
    def memory_share(self) -> float:
        """Percent of what the instances may use, 0 to 100."""
        return min(100.0, 100 * self.memory / self.memory_limit) if self.memory_limit else 0.0


def merge(samples: Sequence[Sample], at: datetime) -> Sample:
    """Return all samples as one that begins at `at`: counts and times are added, memory and instances averaged over the looks."""
    looks = sum(sample.looks for sample in samples)

    def mean(values: Iterable[float]) -> float:
        return sum(value * sample.looks for value, sample in zip(values, samples, strict=True)) / looks if looks else 0.0

    return Sample(
        at=at, looks=looks,
        cpu_seconds=sum(sample.cpu_seconds for sample in samples), seconds=sum(sample.seconds for sample in samples),
        core_seconds=sum(sample.core_seconds for sample in samples), memory=round(mean(sample.memory for sample in samples)),
        memory_most=max((sample.memory_most for sample in samples), default=0),
        memory_limit=round(mean(sample.memory_limit for sample in samples)), instances=mean(sample.instances for sample in samples),
        requests=sum(sample.requests for sample in samples),
        status_2xx=sum(sample.status_2xx for sample in samples), status_3xx=sum(sample.status_3xx for sample in samples),
        status_4xx=sum(sample.status_4xx for sample in samples), status_5xx=sum(sample.status_5xx for sample in samples),
        latency=latency.add(sample.latency for sample in samples),
    )  # fmt: skip


def resample(samples: Iterable[Sample], step: int) -> list[Sample]:
    """Return the samples in steps of so many seconds, oldest first; a step without any is left out."""
    parts: dict[datetime, list[Sample]] = {}
    for sample in samples:
        parts.setdefault(start_of(sample.at, step), []).append(sample)
    return [merge(parts[at], at) for at in sorted(parts)]


def start_of(moment: datetime, step: int) -> datetime:
    """Return when the step that `moment` is in began."""
    return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)
