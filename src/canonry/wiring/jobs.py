"""Every job of the system: its name, and the function that does it."""

from collections.abc import Callable, Mapping

from canonry.features.deployments import jobs as deployments
from canonry.features.deployments import queue as deployment_queue
from canonry.infra.jobs import Job

JOBS: Mapping[Job, Callable[..., None]] = {
    deployment_queue.RUN: deployments.run_deployments,
    deployment_queue.CLEAR: deployments.clear_project,
}
"""Each function takes the container first, then the job's arguments by name."""
