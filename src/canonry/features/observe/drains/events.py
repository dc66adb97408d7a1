"""Facts about log drains; the address is without what may be a secret in it."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DrainCreated(Event):
    """The log of a project is sent somewhere from now on."""

    name: ClassVar[str] = "drain.created"
    project_id: str
    drain_id: str


@dataclass(frozen=True)
class DrainRemoved(Event):
    """The log of a project is not sent there any more."""

    name: ClassVar[str] = "drain.removed"
    project_id: str
    drain_id: str
