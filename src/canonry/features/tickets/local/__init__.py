"""The tracker of Canonry itself: tickets are rows."""

from canonry.features.tickets.local.tracker import LocalTracker

__all__ = ["LocalTracker"]
