"""What Prometheus is told about this installation: four lines for each environment of a project, and a few more."""

import threading
import time

import psutil

from canonry import __version__
from canonry.core.errors import Unavailable
from canonry.features import deployments
from canonry.features.observe.context import Context
from canonry.features.observe.drains import store as drains
from canonry.features.observe.metrics import store as metrics
from canonry.features.observe.metrics.service import refresh
from canonry.features.observe.prometheus.text import Metric, Reading, by_label, gauge, histogram
from canonry.infra import jobs
from canonry.infra.tx import Tx

_MOST_SERIES = 2000  # of projects and environments: those with the most requests


def figures(context: Context) -> list[Metric]:
    """Return all metrics; without a database those that need none."""
    refresh(context)
    began = time.perf_counter()
    try:
        with context.transactions.begin() as tx:
            found = _from_database(tx)
        seconds, is_up = time.perf_counter() - began, True
    except Unavailable:
        found, seconds, is_up = [], time.perf_counter() - began, False
    return [
        Metric("canonry_build_info", "gauge", "Version of Canonry.", [Reading(1, {"version": __version__})]),
        gauge("canonry_edge_up", "Whether the edge (Caddy) answers.", context.ports.edge.is_up()),
        gauge("canonry_database_up", "Whether PostgreSQL answers.", is_up),
        gauge("canonry_database_query_seconds", "How long the figures of this answer took PostgreSQL.", seconds),
        *_of_process(),
        *found,
    ]


def _from_database(tx: Tx) -> list[Metric]:
    counts = deployments.counts(tx)
    return [
        by_label("canonry_deployments", "gauge", "Deployments by status.", "status", counts.deployments),
        histogram("canonry_deployment_duration_seconds", "How long finished deployments took, from the start of the build.",
                  counts.durations, counts.seconds),
        by_label("canonry_instances", "gauge", "Instances by status; those that ended for good are left out.", "status", counts.instances),
        by_label("canonry_jobs", "gauge", "Background jobs by status: todo, doing, failed (kept a week).", "status",
                 jobs.counts(tx.connection)),
        by_label("canonry_log_drains", "gauge", "Log drains by how they do.", "status", drains.counts(tx)),
        _requests(tx),
    ]  # fmt: skip


def _requests(tx: Tx) -> Metric:
    readings = [
        Reading(count, {"project": total.slug, "environment": total.environment, "class": name})
        for total in metrics.totals(tx, _MOST_SERIES)
        for name, count in total.classes.items()
    ]
    return Metric(
        "canonry_project_requests_total", "counter", "Requests that the edge answered for a project, by class of status.", readings
    )


def _of_process() -> list[Metric]:
    process = psutil.Process()
    with process.oneshot():
        times, memory, started = process.cpu_times(), process.memory_info().rss, process.create_time()
    return [
        gauge("process_resident_memory_bytes", "Memory of this process of Canonry.", memory),
        Metric("process_cpu_seconds_total", "counter", "Cpu time of this process of Canonry.", [Reading(times.user + times.system)]),
        gauge("process_start_time_seconds", "When this process of Canonry was started, as unix time.", started),
        gauge("process_open_fds", "Open file descriptors of this process of Canonry.", process.num_fds()),
        gauge("process_threads", "Threads of this process of Canonry.", threading.active_count()),
    ]
