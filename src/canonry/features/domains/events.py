"""Facts about domains."""

from dataclasses import dataclass
from typing import ClassVar

from canonry.core.events import Event


@dataclass(frozen=True)
class DomainAttached(Event):
    """A project claimed a hostname."""

    name: ClassVar[str] = "domain.attached"
    project_id: str
    hostname: str


@dataclass(frozen=True)
class DomainVerified(Event):
    """A project's claim was proved."""

    name: ClassVar[str] = "domain.verified"
    project_id: str
    hostname: str


@dataclass(frozen=True)
class DomainLost(Event):
    """The name has another owner now, who proved it; the former proof was gone."""

    name: ClassVar[str] = "domain.lost"
    project_id: str
    hostname: str


@dataclass(frozen=True)
class PrimaryDomainChosen(Event):
    """Another host of a project is its primary one."""

    name: ClassVar[str] = "domain.primary"
    project_id: str
    hostname: str


@dataclass(frozen=True)
class DomainDetached(Event):
    """A project gave a hostname up."""

    name: ClassVar[str] = "domain.detached"
    project_id: str
    hostname: str
