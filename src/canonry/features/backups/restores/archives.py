"""The archive of a cluster, as restores and proofs ask for it."""

from pathlib import Path

from canonry.features.backups.archiving.service import archive_of as of_cluster
from canonry.features.backups.archiving.service import ship
from canonry.features.backups.context import Context
from canonry.infra.postgres.programs import unpack

__all__ = ["of_cluster", "programs", "ship"]


def programs(context: Context) -> Path:
    """Return the folder of PostgreSQL's programs."""
    return unpack(context.home.toolchains)
