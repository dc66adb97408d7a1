"""A backup of a project as it is kept."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

LONGEST_NOTE = 280


class Trigger(StrEnum):
    """Why a backup was made."""

    MANUAL = "manual"
    PRE_DEPLOY = "pre-deploy"
    NIGHTLY = "nightly"


@dataclass(frozen=True)
class ProjectBackup:
    """What was live at a moment: a deployment with its release, all variables, and where its database stood then.

    variable_names: `environment/KEY` of each, for people; the values are sealed. database_at: what its database is restored to.
    before_deployment_id: the deployment that a `pre-deploy` one was made before.
    """

    id: str
    organization_id: str
    project_id: str
    deployment_id: str
    release_id: str
    sealed_variables: bytes = field(repr=False)
    variable_names: list[str]
    database_id: str | None
    database_at: datetime | None
    note: str | None
    trigger: Trigger
    before_deployment_id: str | None
    created_at: datetime

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumeration."""
        object.__setattr__(self, "trigger", Trigger(self.trigger))

    @property
    def bound(self) -> str:
        """The words that its variables are sealed with."""
        return f"project_backups {self.id}"
