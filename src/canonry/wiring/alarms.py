"""What is wrong with this Canonry now: every part that watches something says it here, for /readyz?deep=1 and `canonry doctor`."""

from canonry.core.alarms import Alarm
from canonry.features import backups, databases, disk
from canonry.features.backups import instance
from canonry.http.deps import Services


def alarms(services: Services) -> list[Alarm]:
    """Return every alarm there is, the most urgent part first."""
    return [*disk.alarms(services), *databases.alarms(services), *backups.alarms(services), *instance.alarms(services)]
