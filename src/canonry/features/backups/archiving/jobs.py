"""Background entry points: each takes the container and ids."""

from canonry.core.errors import Unavailable
from canonry.core.ids import new_id
from canonry.features import databases
from canonry.features.backups.archiving import service, store
from canonry.features.backups.archiving.models import Due, Kind, Trigger
from canonry.features.backups.context import Context
from canonry.features.databases import Role


def make(context: Context, database_id: str, kind: str, backup_id: str = "") -> None:
    """Make a backup that somebody asked for, under the id they were told, or under another when this is run again.

    Raises: Unavailable `backup_in_progress`; then the job comes again.
    """
    with context.transactions.begin() as tx:
        database = databases.get(tx, database_id)
        is_first = bool(backup_id) and store.get(tx, backup_id) is None
    if database is None or database.role is not Role.LIVE:
        return
    if service.make(context, database, Due(Kind(kind), Trigger.MANUAL), backup_id=backup_id if is_first else new_id("dbk")) is None:
        raise Unavailable("backup_in_progress", "Another backup of this database is being made.", hint="It is tried again.")
