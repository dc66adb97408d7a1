"""Background entry points: each takes the container and ids."""

from canonry.features import deployments
from canonry.features.disk import governor
from canonry.features.disk.context import Context
from canonry.features.disk.queue import TIDY


def after_deploy(context: Context, organization_id: str, project_id: str, deployment_id: str) -> None:
    """Have the environment tidied to which a deployment went."""
    del organization_id
    with context.transactions.begin() as tx:
        deployment = deployments.by_ids(tx, [deployment_id]).get(deployment_id)
        if deployment is not None:
            tx.enqueue(TIDY, project_id=project_id, environment=deployment.environment)


def tidy(context: Context, project_id: str, environment: str) -> None:
    """Remove what an environment keeps beyond what it may."""
    governor.tidy(context, project_id, environment)
