"""What the caller is mailed about, over HTTP."""

from typing import TypedDict, cast

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document

_PATH = "/v1/me/notifications"


class Wishes(TypedDict):
    """What somebody is told: all, own or off; and whether they hear that it works again."""

    failed_production: str
    failed_preview: str
    recovered: bool


class Answer(TypedDict):
    """The same, and whether mail reaches them."""

    notifications: Wishes
    reachable: bool


class NotificationsApi:
    """Calls about the caller's own mail."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def get(self) -> Answer:
        """Return what the caller is told."""
        return cast("Answer", self._transport.send("GET", _PATH))

    def change(self, wishes: Document) -> Answer:
        """Change what is named."""
        return cast("Answer", self._transport.send("PATCH", _PATH, document=wishes))
