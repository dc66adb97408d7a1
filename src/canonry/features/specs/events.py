"""Facts about the index."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class ReindexRequested(Event):
    """Somebody asked for everything to be read again."""

    name: ClassVar[str] = "specs.reindex_requested"
    installation_id: int


@dataclass(frozen=True)
class SpecApproved(Event):
    """A spec became approved, because the pull request that touched it was approved and merged."""

    name: ClassVar[str] = "spec.approved"
    repository_id: str
    number: int
