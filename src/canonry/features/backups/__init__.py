"""Backups: what is kept of projects and databases, how it comes back, and the proof that it can.

`points/`: a project as a whole (what was live, its variables, a moment of its database). `restores/`: databases as they were at a moment,
beside the live one. `proofs/`: backups that were restored for a trial, and what that showed.
"""

from canonry.features.backups.points.rounds import PointRounds

__all__ = ["PointRounds"]
