"""A connection to where repositories live."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Installation:
    """A connection to where repositories live: Canonry itself, or an account at a host.

    number: what the host calls the installation of its app, None where tokens act.
    """

    id: int
    organization_id: str
    host: str
    account: str
    created_at: datetime
    number: int | None = None
    is_suspended: bool = False
    is_removed: bool = False
