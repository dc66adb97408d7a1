"""Facts about dumps of databases."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DumpDownloaded(Event):
    """Somebody was given everything that a dump of a database holds."""

    name: ClassVar[str] = "database_dump.downloaded"
    project_id: str
    backup_id: str
