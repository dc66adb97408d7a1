"""Tickets: what stands in a tracker for sections of specs, and keeping the two together.

`rules.py` says who follows whom, `syncing.py` does it for a repository, `service.py` is what people and programs ask for.
"""

from canonry.features.tickets.local import LocalTracker
from canonry.features.tickets.sweep import follow_broken_links

__all__ = ["LocalTracker", "follow_broken_links"]
