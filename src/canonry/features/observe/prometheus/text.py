"""Metrics, and the text form (0.0.4) in which Prometheus reads them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Reading:
    """One value. suffix: of the name, for the parts of a histogram."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True)
class Metric:
    """A name with what it means. kind: gauge, counter or histogram."""

    name: str
    kind: str
    help: str
    readings: Sequence[Reading]


def gauge(name: str, help: str, value: float) -> Metric:  # noqa: A002 -- as Prometheus calls it
    """Return a gauge of one value."""
    return Metric(name, "gauge", help, [Reading(value)])


def by_label(name: str, kind: str, help: str, label: str, values: Mapping[str, float]) -> Metric:  # noqa: A002
    """Return a metric with one label."""
    return Metric(name, kind, help, [Reading(value, {label: key}) for key, value in sorted(values.items())])


def histogram(name: str, help: str, counts: Mapping[float, int], total: float) -> Metric:  # noqa: A002
    """Return a histogram. counts: upper end of a bucket → how many were in it, not those below; total: the sum of all values."""
    readings, below = [], 0
    for end, count in sorted(counts.items()):
        below += count
        readings.append(Reading(below, {"le": _number(end)}, "_bucket"))
    return Metric(name, "histogram", help, [*readings, Reading(total, {}, "_sum"), Reading(below, {}, "_count")])


def written(metrics: Iterable[Metric]) -> str:
    """Return the text."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {_escaped(metric.help)}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{reading.suffix}{_labels(reading.labels)} {_number(reading.value)}" for reading in metric.readings]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1 << 53 else repr(float(value))
