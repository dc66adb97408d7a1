"""What is wrong with databases now: those that take no more."""

from canonry.core.alarms import Alarm
from canonry.features.databases import store
from canonry.features.databases.context import Context


def alarms(context: Context) -> list[Alarm]:
    """Return an alarm for each project whose database of production is full."""
    with context.transactions.begin() as tx:
        full = store.full(tx)
    return [
        Alarm("database_full", f"The database of {slug} has {size >> 20} MiB of {limit}: its writes are refused.",
              f"Raise its limit, or remove what is not needed: canonry db info --project {slug}.")
        for slug, size, limit in full
    ]  # fmt: skip
