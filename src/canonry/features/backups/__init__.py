"""Backups: what is kept of projects and databases, how it comes back, and the proof that it can.

`points/`: a project as a whole (what was live, its variables, a moment of its database). `restores/`: databases as they were at a moment,
beside the live one. `proofs/`: backups that were restored for a trial, and what that showed.
`asking/`: what people ask of the backups of databases. `dumps/`: those that other servers read too, to download and to restore from.
`archiving/`: what goes to the archive by the clock, and what goes from there. `instance/`: Canonry itself, and a whole one made of that.
"""

from canonry.features.backups.alarms import alarms
from canonry.features.backups.archiving.models import DatabaseBackup
from canonry.features.backups.archiving.rounds import ArchiveRounds
from canonry.features.backups.archiving.rules import failures_in_row
from canonry.features.backups.archiving.store import get as database_backup
from canonry.features.backups.archiving.store import of_clusters as database_backups
from canonry.features.backups.instance import InstanceRounds
from canonry.features.backups.points.rounds import PointRounds
from canonry.features.backups.proofs.rounds import ProofRounds
from canonry.features.backups.restores.rounds import RestoreRounds

__all__ = [
    "ArchiveRounds", "DatabaseBackup", "InstanceRounds", "PointRounds", "ProofRounds", "RestoreRounds", "alarms", "database_backup",
    "database_backups", "failures_in_row",
]  # fmt: skip
