"""What this feature's background work is handed."""

from canonry.features.deployments import Context

__all__ = ["Context"]
