"""Rows of API tokens."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TokenHolder:
    """Who a valid token speaks for."""

    token_id: str
    user_id: str
    organization_id: str
    handle: str
    scope: str
    role: str
    is_operator: bool
    deactivated_at: datetime | None
    project_id: str | None
    last_used_at: datetime | None
