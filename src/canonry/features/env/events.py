"""Facts about variables. They name the digest of a value, never the value."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class VariableSet(Event):
    """A variable was set that was not there before."""

    name: ClassVar[str] = "variable.set"
    project_id: str
    environment: str
    key: str
    digest: str


@dataclass(frozen=True)
class VariableChanged(Event):
    """The value of a variable was changed, or how it is treated."""

    name: ClassVar[str] = "variable.changed"
    project_id: str
    environment: str
    key: str
    digest: str


@dataclass(frozen=True)
class VariableRemoved(Event):
    """A variable was removed."""

    name: ClassVar[str] = "variable.removed"
    project_id: str
    environment: str
    key: str
    digest: str
