"""May this go on? Asked by a lower floor, answered by a higher one (coverage for releases)."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class GateAnswer:
    """allowed, and the reason when it is not."""

    allowed: bool
    reason: str = ""


class ReleaseGate(Protocol):
    """Decides whether a release may go live."""

    def check(self, project_id: str, commit: str | None) -> GateAnswer:
        """Answer for the commit (None: an upload without one) of that project. Never raises."""
        ...
