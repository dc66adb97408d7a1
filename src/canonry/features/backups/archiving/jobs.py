"""Background entry points: each takes the container and ids."""

from canonry.core.errors import Unavailable
from canonry.features import databases
from canonry.features.backups.archiving import service
from canonry.features.backups.archiving.models import Due, Kind, Trigger
from canonry.features.backups.context import Context
from canonry.features.databases import Role


def make(context: Context, database_id: str, kind: str) -> None:
    """Make a backup that somebody asked for. Raises: Unavailable `backup_in_progress`; then the job comes again."""
    with context.transactions.begin() as tx:
        database = databases.get(tx, database_id)
    if database is None or database.role is not Role.LIVE:
        return
    if service.make(context, database, Due(Kind(kind), Trigger.MANUAL)) is None:
        raise Unavailable("backup_in_progress", "Another backup of this database is being made.", hint="It is tried again.")
