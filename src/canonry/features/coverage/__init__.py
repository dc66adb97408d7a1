"""Coverage: how much of what is specified is done, ticked and realized; now, and day by day."""

from canonry.features.coverage.snapshots import Snapshots

__all__ = ["Snapshots"]
