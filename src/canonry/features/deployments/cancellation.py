"""Whether somebody wants a running deployment to stop. Asked often, looked up seldom."""

import time

from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import DeploymentStopped

_LOOK_EVERY = 0.3


class Cancellation:
    """The wish to stop one deployment."""

    def __init__(self, context: Context, deployment_id: str) -> None:
        self._context = context
        self._deployment_id = deployment_id
        self._asked = False
        self._looked = time.monotonic()

    def requested(self) -> bool:
        """Say whether it was asked for, or the deployment is gone; at most 0.3 s late."""
        if not self._asked and time.monotonic() - self._looked > _LOOK_EVERY:
            with self._context.transactions.begin() as tx:
                row = store.get(tx, self._deployment_id)
            self._asked = row is None or row.cancel_requested
            self._looked = time.monotonic()
        return self._asked

    def check(self) -> None:
        """Return when the deployment may go on. Raises: DeploymentStopped."""
        if self.requested():
            raise DeploymentStopped("cancelled", "Cancelled on request.")
