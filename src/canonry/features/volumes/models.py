"""Rows of volumes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Volume:
    """A folder that an environment of a project keeps over its deploys. id: `vol_…`, of the folder too; the name may change its meaning.

    path, size_bytes: as the live release declares it. made_at: when its folder was made; None before its first use.
    detached_at: since when no live release declares it; None while one does. used_bytes, files: at measured_at.
    full_at: since when it holds more than size_bytes.
    """

    id: str
    organization_id: str
    project_id: str
    environment: str
    name: str
    path: str
    size_bytes: int
    used_bytes: int
    files: int
    made_at: datetime | None
    detached_at: datetime | None
    measured_at: datetime | None
    full_at: datetime | None
    created_at: datetime

    @property
    def status(self) -> str:
        """Attached (a live release has it) or detached (kept until somebody removes it)."""
        return "attached" if self.detached_at is None else "detached"
