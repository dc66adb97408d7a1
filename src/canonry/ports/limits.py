"""May this organization have one more? Asked by projects, answered by billing."""

from typing import Protocol


class AccountLimits(Protocol):
    """Decides whether an organization may have one more of something."""

    def require_project(self, organization_id: str, existing: int) -> None:
        """Return when one more project is allowed. Raises: Limited `project_limit_reached`."""
        ...
