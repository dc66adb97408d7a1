"""What the background work of this feature is handed: what git is, for it writes to repositories wherever they live."""

from canonry.features.git import Context

__all__ = ["Context"]
