"""Facts that features announce to each other. A subclass is named in the past tense (`DeploymentSucceeded`)."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all facts. Fields of a subclass are ids and short plain values; they are stored as JSON.

    name: dotted and stable (`deployment.succeeded`); it is what `wiring/subscriptions.py` listens to.
    """

    name: ClassVar[str]
    organization_id: str


def known_names() -> set[str]:
    """Return the names of all events there are, of every feature that is loaded."""
    found, left = set[str](), list(Event.__subclasses__())
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        found.add(kind.name)
    return found
