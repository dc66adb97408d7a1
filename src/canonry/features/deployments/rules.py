"""Pure decisions about deployments and instances."""

from canonry.core.errors import Conflict
from canonry.features.deployments.models import UNFINISHED, Deployment, Status

STABLE_SECONDS = 60.0  # an instance that ran this long is not in a crash loop when it ends
_LOOP_AFTER = 5
_LONGEST_BACK_OFF = 60.0


def require_retryable(deployment: Deployment) -> None:
    """Return when the deployment may be tried again. Raises: Conflict `deployment_not_retryable`."""
    if deployment.status in UNFINISHED:
        raise Conflict(
            "deployment_not_retryable", f"The deployment {deployment.id} is {deployment.status}.", hint="Wait for its end, or cancel it."
        )


def require_cancellable(deployment: Deployment) -> None:
    """Return when the deployment can still be cancelled. Raises: Conflict `deployment_not_cancellable`."""
    if deployment.status not in UNFINISHED:
        raise Conflict("deployment_not_cancellable", f"The deployment {deployment.id} is {deployment.status} already.")


def require_rollback_target(deployment: Deployment) -> str:
    """Return the release to go back to. Raises: Conflict `artifact_missing` for a deployment that never had one."""
    if deployment.release_id is None or deployment.status not in {Status.LIVE, Status.SUPERSEDED}:
        raise Conflict("artifact_missing", f"The deployment {deployment.id} was never live; there is nothing to go back to.",
                       hint="`canonry deployments ls` shows those that were.")  # fmt: skip
    return deployment.release_id


def facts(deployment: Deployment) -> dict[str, object]:
    """Return what the audit trail keeps of a deployment, before and after a change."""
    found: dict[str, object] = {
        "status": str(deployment.status), "environment": deployment.environment, "trigger": deployment.trigger, "ref": deployment.ref,
        "commit": deployment.commit, "created_by": deployment.created_by,
    }  # fmt: skip
    if deployment.cancel_requested:
        found["cancel_requested"] = True
    if deployment.error is not None:
        found["error"] = dict(deployment.error)
    return found


def back_off(failures: int) -> float:
    """Return how many seconds to wait before the next start, after so many quick ends in a row: 0, 1, 2, 4, … 60."""
    return 0.0 if failures <= 1 else min(2.0 ** (failures - 2), _LONGEST_BACK_OFF)


def crash_status(failures: int) -> str:
    """Return how an instance is shown that ended by itself so many times in a row."""
    return "crash_loop" if failures >= _LOOP_AFTER else "crashed"
