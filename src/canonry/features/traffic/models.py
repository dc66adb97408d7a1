"""Rows of hosts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """A name under which a project is reached. redirect_to: the host that its visitors are sent to, None when it serves itself."""

    host: str
    project_id: str
    environment: str
    redirect_to: str | None
