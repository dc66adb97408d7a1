"""Rows of people and organizations."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class User:
    """A person. email: lower case, unique."""

    id: str
    email: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Organization:
    """What owns projects. handle: its slug, lower case, unique."""

    id: str
    handle: str
    name: str
    created_at: datetime
