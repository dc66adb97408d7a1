"""Facts about what people want to be told."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class NotificationsChanged(Event):
    """Somebody changed what they are mailed about."""

    name: ClassVar[str] = "notifications.changed"
    user_id: str
