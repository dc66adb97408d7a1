"""HTTP for the metrics of a project."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from canonry.core.access import Permission
from canonry.features.observe.metrics import latency, service
from canonry.features.observe.metrics.models import Sample
from canonry.features.observe.metrics.service import Metrics
from canonry.features.projects import PRODUCTION
from canonry.http.deps import ActorDep, ServicesDep
from canonry.http.routing import Routes

router = Routes(tags=["Deployments"])

EnvironmentQuery = Annotated[str, Query(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$", description="production, or a preview")]
WindowQuery = Annotated[str, Query(max_length=16, description="how far back: 10m, 1h, 24h, 30d at most")]
StepQuery = Annotated[
    str | None, Query(max_length=16, description="length of a sample: 10s, 30s, 60s, 300s, …; chosen by the window when absent")
]


class Figures(BaseModel):
    """What was used and answered.

    cpu_pct: percent of one core, as `top` shows it. cpuPct, memPct: percent of what the instances may use, 0 to 100; without a limit of
    their own that is one core each. mem_bytes: on average, mem_max_bytes: at most. rps: requests a second. p50_ms, p95_ms, p99_ms: within
    how many milliseconds half, 95 % and 99 % of the requests were answered, to the last byte; null without requests.
    """

    cpu_pct: float
    cpuPct: float  # noqa: N815 -- a name of the second API
    mem_bytes: int
    mem_max_bytes: int
    mem_limit_bytes: int
    memPct: float  # noqa: N815 -- likewise
    instances: float
    requests: int
    rps: float
    status_2xx: int
    status_3xx: int
    status_4xx: int
    status_5xx: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class SampleBody(Figures):
    """One step; `at` is when it began."""

    at: str


class MetricsAnswer(BaseModel):
    """The samples of the window, oldest first, and the whole window as one. A step in which nothing ran and nobody came has no sample."""

    environment: str
    window_seconds: int
    step_seconds: int
    start: str
    end: str
    samples: list[SampleBody]
    total: Figures


@router.operation("GET", "/projects/{project}/metrics", Permission.PROJECTS_READ)
def read_metrics(
    project: str, actor: ActorDep, services: ServicesDep, window: WindowQuery = "1h",
    environment: EnvironmentQuery = PRODUCTION, step: StepQuery = None,
) -> MetricsAnswer:  # fmt: skip
    """Show what a project used and answered: cpu, memory, requests by status, and how long they took."""
    wanted = service.parse_window(window, step)
    return _answer(service.read(services, actor, project, environment, wanted), environment, wanted)


def _answer(found: Metrics, environment: str, wanted: service.Window) -> MetricsAnswer:
    now = found.end.timestamp()
    samples = [
        SampleBody(at=sample.at.isoformat(), **_figures(sample, min(found.step, max(1.0, now - sample.at.timestamp()))))
        for sample in found.samples
    ]
    total = Figures(**_figures(found.total, now - found.start.timestamp()))
    return MetricsAnswer(
        environment=environment, window_seconds=int(wanted.length.total_seconds()), step_seconds=found.step,
        start=found.start.isoformat(), end=found.end.isoformat(), samples=samples, total=total,
    )  # fmt: skip


def _figures(sample: Sample, seconds: float) -> dict[str, Any]:
    """Return the fields of `Figures`. seconds: over which the requests came; the present step is not over."""
    return {
        "cpu_pct": round(sample.cpu_of_one_core, 2), "cpuPct": round(sample.cpu_share, 2), "mem_bytes": sample.memory,
        "mem_max_bytes": sample.memory_most, "mem_limit_bytes": sample.memory_limit, "memPct": round(sample.memory_share, 2),
        "instances": round(sample.instances, 2), "requests": sample.requests, "rps": round(sample.requests / seconds, 3),
        "status_2xx": sample.status_2xx, "status_3xx": sample.status_3xx, "status_4xx": sample.status_4xx,
        "status_5xx": sample.status_5xx, "p50_ms": _milliseconds(sample, 0.5), "p95_ms": _milliseconds(sample, 0.95),
        "p99_ms": _milliseconds(sample, 0.99),
    }  # fmt: skip


def _milliseconds(sample: Sample, share: float) -> float | None:
    seconds = latency.quantile(sample.latency, share)
    return None if seconds is None else round(seconds * 1000, 2)
