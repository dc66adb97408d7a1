"""The disk: who uses how much of it, what goes when there is too much, and when builds have to stop so that apps need not.

Nothing is removed that Canonry did not make: what goes is named by a row in the database or known to the builder by its form, and links
and strangers' files in the same folders stay.
"""

from canonry.features.disk.context import Context
from canonry.features.disk.governor import BuildGovernor, alarms
from canonry.features.disk.models import Mark
from canonry.features.disk.rounds import DiskRounds
from canonry.features.disk.rules import mark_of

__all__ = ["BuildGovernor", "Context", "DiskRounds", "Mark", "alarms", "mark_of"]
