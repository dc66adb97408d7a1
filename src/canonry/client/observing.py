"""Metrics and log drains of a project over HTTP."""

from collections.abc import Mapping
from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport


class Figures(TypedDict):
    """What was used and answered."""

    cpu_pct: float
    cpuPct: float
    mem_bytes: int
    mem_max_bytes: int
    mem_limit_bytes: int
    memPct: float
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


class Sample(Figures):
    """One step; at: when it began."""

    at: str


class Metrics(TypedDict):
    """The samples of a window, oldest first, and the window as one."""

    environment: str
    window_seconds: int
    step_seconds: int
    start: str
    end: str
    samples: list[Sample]
    total: Figures


class Drain(TypedDict):
    """A log drain and how it does."""

    id: str
    kind: str
    target: str
    environment: str | None
    format: str
    gzip: bool
    status: str
    sent_lines: int
    lag_bytes: int
    last_sent_at: str | None
    last_error: str | None
    last_error_at: str | None
    next_try_at: str | None


class ObservingApi:
    """Calls about what a project does."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def metrics(self, project: str, **query: str | None) -> Metrics:
        """Return the metrics of a project. query: window, step, environment. Raises: Invalid `invalid_window`, `invalid_step`."""
        return cast("Metrics", self._transport.send("GET", f"{_of(project)}/metrics", query=query))

    def drains(self, project: str) -> list[Drain]:
        """Return the log drains of a project."""
        return cast("list[Drain]", self._transport.send("GET", f"{_of(project)}/drains")["drains"])

    def add_drain(self, project: str, wish: Mapping[str, object]) -> Drain:
        """Send the log somewhere from now on. wish: kind, url and what else the API takes."""
        return cast("Drain", self._transport.send("POST", f"{_of(project)}/drains", document=dict(wish))["drain"])

    def remove_drain(self, project: str, drain: str) -> None:
        """Send nothing there any more. Raises: NotFound `drain_not_found`."""
        self._transport.send("DELETE", f"{_of(project)}/drains/{quote(drain, safe='')}")


def _of(project: str) -> str:
    return f"/v1/projects/{quote(project, safe='')}"
