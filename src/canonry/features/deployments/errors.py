"""Ends of a deployment that are not live."""

from canonry.core.errors import CanonryError


class DeploymentStopped(CanonryError):
    """Somebody cancelled the deployment while it ran."""


class StepFailed(CanonryError):
    """A step did not succeed, for a reason that the user can mend. The live release is untouched."""
