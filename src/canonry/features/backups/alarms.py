"""What is wrong with backups now: changes that no archive takes, backups that nobody has proven."""

from canonry.core.alarms import Alarm
from canonry.features.backups.archiving import rounds as archiving
from canonry.features.backups.context import Context
from canonry.features.backups.proofs import service as proofs


def alarms(context: Context) -> list[Alarm]:
    """Return every alarm about backups."""
    return [*archiving.alarms(context), *proofs.alarms(context)]
