"""Coverage: how much of what is specified is done, ticked and realized; now, and day by day."""

from canonry.features.coverage.snapshots import take_snapshots

__all__ = ["take_snapshots"]
