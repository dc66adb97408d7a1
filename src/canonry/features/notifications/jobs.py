"""Background entry points: each takes the container and the fields of the event it listens to."""

from canonry.features import deployments
from canonry.features.notifications import alarms, service
from canonry.features.notifications.context import Context
from canonry.features.notifications.sending import tell, tell_of_backup, tell_of_disk


def note_failure(context: Context, organization_id: str, project_id: str, deployment_id: str, code: str) -> None:
    """A deployment failed."""
    del project_id, code
    with context.transactions.begin() as tx:
        deployment = deployments.by_ids(tx, [deployment_id]).get(deployment_id)
        told = service.note_failure(tx, deployment) if deployment is not None else []
    for user_id in told:
        tell(context, organization_id, user_id)


def note_disk(context: Context, organization_id: str, mark: str) -> None:
    """The disk passed a mark."""
    del organization_id
    tell_of_disk(context, mark)


def note_backup(context: Context, organization_id: str, project_id: str, backup_id: str) -> None:
    """A backup of a database failed."""
    del project_id
    tell_of_backup(context, organization_id, backup_id)


def note_fill(context: Context, organization_id: str, project_id: str, environment: str, database_id: str) -> None:
    """A database is full, or nearly."""
    del project_id, environment
    alarms.tell_of_fill(context, organization_id, database_id)


def note_success(context: Context, organization_id: str, project_id: str, deployment_id: str) -> None:
    """A deployment went live."""
    del project_id
    with context.transactions.begin() as tx:
        deployment = deployments.by_ids(tx, [deployment_id]).get(deployment_id)
        told = service.note_success(tx, deployment) if deployment is not None else []
    for user_id in told:
        tell(context, organization_id, user_id)


def note_proof(context: Context, organization_id: str, project_id: str, database_id: str, why: str, proof_id: str = "") -> None:
    """A backup failed its drill, or a database has no fresh proof."""
    del database_id, proof_id
    alarms.tell_of_proof(context, organization_id, project_id, why)
