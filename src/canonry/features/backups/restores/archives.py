"""The archive of a cluster, as restores and proofs ask for it."""

from pathlib import Path

from canonry.features.backups.archiving.service import archive_of as of_cluster
from canonry.features.backups.archiving.service import ship
from canonry.features.backups.context import Context
from canonry.infra.backup.base import BaseBackup
from canonry.infra.postgres.programs import require_of_version, unpack

__all__ = ["of_cluster", "programs", "programs_of", "ship"]


def programs(context: Context) -> Path:
    """Return the folder of PostgreSQL's programs."""
    return unpack(context.home.toolchains)


def programs_of(context: Context, backup: BaseBackup) -> Path:
    """Return the folder of the programs that can read a backup: those of its version. Raises: Conflict `database_version`."""
    return require_of_version(context.home.toolchains, backup.version, f"The backup {backup.id}")
