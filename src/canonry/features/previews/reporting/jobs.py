"""Background entry points: each takes the container and the fields of the event it listens to."""

from canonry.features.previews.context import Context
from canonry.features.previews.reporting import service


def report_deployment(context: Context, organization_id: str, project_id: str, deployment_id: str, code: str = "") -> None:
    """Tell the host how a deployment stands."""
    del organization_id, project_id, code  # what stands in the tables by now counts
    service.report(context, deployment_id)


def report_closed(context: Context, organization_id: str, project_id: str, preview_id: str) -> None:
    """Tell the host that a preview is gone."""
    del organization_id, project_id
    service.report_closed(context, preview_id)
