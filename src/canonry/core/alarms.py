"""What the people who run a Canonry must know before its users notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong now. name: stable, snake case (`disk_low`). message: what and where. hint: what to do about it."""

    name: str
    message: str
    hint: str
