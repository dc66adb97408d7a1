"""`canonry metrics`: what a project used and answered."""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import print_json, strong
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, ChosenProject, Project
from canonry.cli.sparkline import sparkline
from canonry.client.credentials import current
from canonry.client.observing import Figures, Metrics, ObservingApi
from canonry.core.errors import Invalid

_EVERY = 5.0
_CLEAR = "\033[H\033[J"


def metrics(
    slug: ChosenProject = None,
    project: Project = None,
    window: Annotated[str, option("--window", "-w", metavar="SPAN", help="How far back: 10m, 1h, 24h, 30d at most.")] = "1h",
    environment: Annotated[
        str | None, option("--environment", "-e", metavar="NAME", help="The environment. Without it: production.")
    ] = None,
    watch: Annotated[bool, option("--watch", help="Show it again every five seconds, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a project used and answered: cpu, memory, requests and how long they took.

    Each row has the value of the whole window and its course, oldest on the left.
    """
    if watch and as_json:
        raise Invalid("usage", "--watch is for people; --json prints once.", hint="Leave one of them out.")
    api, slug = ObservingApi(current()), project_of(slug or project)
    while True:
        found = api.metrics(slug, window=window, environment=environment)
        if as_json:
            print_json(found)
            return
        if watch and sys.stdout.isatty():
            print(_CLEAR, end="")
        _show(slug, found)
        if not watch:
            return
        sys.stdout.flush()
        time.sleep(_EVERY)


def _show(slug: str, found: Metrics) -> None:
    total = found["total"]
    print(
        strong(
            f"{slug} ({found['environment']}), the last {_span(found['window_seconds'])}, each bar {_span(found['step_seconds'])} or more"
        )
    )
    if not found["samples"]:
        print("Nothing ran and nobody came in this time.")
        return
    rows = [
        ("requests", f"{total['requests']:,}", "requests"), ("  a second", f"{total['rps']:.3g}", "rps"),
        ("  2xx", f"{total['status_2xx']:,}", "status_2xx"), ("  3xx", f"{total['status_3xx']:,}", "status_3xx"),
        ("  4xx", f"{total['status_4xx']:,}", "status_4xx"), ("  5xx", f"{total['status_5xx']:,}", "status_5xx"),
        ("answered p50", _milliseconds(total["p50_ms"]), "p50_ms"), ("  p95", _milliseconds(total["p95_ms"]), "p95_ms"),
        ("  p99", _milliseconds(total["p99_ms"]), "p99_ms"), ("cpu", f"{total['cpu_pct']:.1f} %", "cpu_pct"),
        ("memory", _memory(total), "mem_bytes"), ("instances", f"{total['instances']:g}", "instances"),
    ]  # fmt: skip
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    for name, value, field in rows:
        print(f"{strong(name, 12)}  {value:>18}  {sparkline(_course(found, field), plain=plain)}".rstrip())


def _course(found: Metrics, field: str) -> Sequence[float | None]:
    """Return a value for every step of the window; None for a step without a sample."""
    start, step = datetime.fromisoformat(found["start"]).timestamp(), found["step_seconds"]
    count = int((datetime.fromisoformat(found["end"]).timestamp() - start) // step) + 1
    course: list[float | None] = [None] * count
    for sample in found["samples"]:
        number = int((datetime.fromisoformat(sample["at"]).timestamp() - start) // step)
        if 0 <= number < count:
            course[number] = sample[field]  # type: ignore[literal-required]  # one of the names above
    return course


def _memory(total: Figures) -> str:
    return f"{total['mem_bytes'] / (1 << 20):.0f} MiB ({total['memPct']:.0f} %)"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.1f} ms"


def _span(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
