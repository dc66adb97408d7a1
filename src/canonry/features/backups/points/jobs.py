"""Background entry points: each takes the container and the fields of the event it listens to."""

from canonry.features.backups.context import Context
from canonry.features.backups.points import service


def before_deployment(context: Context, organization_id: str, project_id: str, deployment_id: str) -> None:
    """Keep what is live before a deployment that was asked for."""
    del organization_id, project_id
    service.keep_before(context, deployment_id)
