"""No limits: on one's own machine an organization may have as many projects as it likes."""


class Unlimited:
    """Allows one more of everything."""

    def require_project(self, organization_id: str, existing: int) -> None:
        """Allow it."""
