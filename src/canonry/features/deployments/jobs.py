"""Background entry points: each takes the container and ids."""

from canonry.features.deployments import committed, ending, lifecycle, pipeline, renewal
from canonry.features.deployments.context import Context


def run_deployments(context: Context, project_id: str, environment: str) -> None:
    """Carry out what waits for an environment."""
    pipeline.run(context, project_id, environment)


def deploy_committed(context: Context, repository_id: str, **_rest: object) -> None:
    """Deploy the branch of a project after a commit that nobody pushed. Twice is once."""
    committed.deploy(context, repository_id)


def clear_environment(context: Context, project_id: str, environment: str, artifacts: str, instances: str, kept: str = "") -> None:
    """Take away what a removed preview left behind."""
    ending.clear(context, project_id, environment, artifacts=artifacts, instances=instances, kept=kept)


def clear_project(
    context: Context,
    project_id: str,
    *,
    deployments: str,
    artifacts: str,
    archives: str,
    instances: str,
    clusters: str = "",
    kept: str = "",
) -> None:
    """Take away what a deleted project left behind. clusters, kept: a job of before there were any has none."""
    lifecycle.clear(context, project_id, deployments=deployments, artifacts=artifacts, archives=archives, instances=instances,
                    clusters=clusters, kept=kept)  # fmt: skip


def renew(context: Context, organization_id: str, project_id: str, environment: str, database_id: str) -> None:  # noqa: ARG001 -- the event's
    """Start what is live anew: its database was made, deleted, or has another password."""
    renewal.request(context, project_id, environment)
