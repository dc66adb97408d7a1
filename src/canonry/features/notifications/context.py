"""What the work of this feature is handed: the same as deployments are."""

from canonry.features.deployments import Context

__all__ = ["Context"]
