"""Facts about previews."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class PreviewOpened(Event):
    """A preview was made."""

    name: ClassVar[str] = "preview.opened"
    project_id: str
    preview_id: str


@dataclass(frozen=True)
class PreviewWaiting(Event):
    """A commit of a fork waits for somebody to let it in."""

    name: ClassVar[str] = "preview.waiting"
    project_id: str
    preview_id: str


@dataclass(frozen=True)
class PreviewApproved(Event):
    """Somebody let a commit of a fork in."""

    name: ClassVar[str] = "preview.approved"
    project_id: str
    preview_id: str


@dataclass(frozen=True)
class PreviewClosed(Event):
    """A preview was removed."""

    name: ClassVar[str] = "preview.closed"
    project_id: str
    preview_id: str
