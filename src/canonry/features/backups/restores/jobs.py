"""Background entry points: each takes the container and ids."""

from canonry.features import databases
from canonry.features.backups.context import Context
from canonry.features.backups.restores import exchange, pipeline
from canonry.features.databases import Role


def prepare(context: Context, project_id: str, restore_id: str) -> None:
    """Restore a database beside the live one."""
    del project_id
    pipeline.prepare(context, restore_id)


def exchange_databases(context: Context, project_id: str, restore_id: str) -> None:
    """Promote a restored database, or undo that."""
    del project_id
    exchange.run(context, restore_id)


def clear(context: Context, project_id: str, database_id: str) -> None:
    """Remove a database that was given up; never one that is live."""
    del project_id
    with context.transactions.begin() as tx:
        database = databases.get(tx, database_id)
    if database is not None:
        databases.discard(context, database, still=lambda row: row.role is not Role.LIVE)
