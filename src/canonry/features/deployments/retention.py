"""What is kept of older deployments: enough to go back, not so much that the disk fills."""

import logging

from canonry.core.errors import CanonryError
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.models import Deployment

_log = logging.getLogger(__name__)
KEPT = 5  # artifacts, and uploads, of a project and environment, besides what runs


def prune(context: Context, deployment: Deployment) -> None:
    """Remove artifacts and uploads that are older than the newest five and that nothing runs from; called when a deployment went live.

    What cannot be removed now is tried again after the next deployment; the deployment itself is not troubled.
    """
    with context.transactions.begin() as tx:
        artifacts = store.old_artifacts(tx, deployment.project_id, deployment.environment, KEPT)
        archives = store.old_archives(tx, deployment.project_id, KEPT)
    try:
        for artifact_id in artifacts:
            context.ports.builder.remove(artifact_id)
        for archive in archives:
            (context.home.uploads / archive).unlink(missing_ok=True)
    except (CanonryError, OSError) as error:
        _log.warning("pruning after %s: %s", deployment.id, error)
