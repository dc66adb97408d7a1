"""Backups of a project over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.models import Deployment
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class VariableName(TypedDict):
    """A variable that a backup holds."""

    key: str
    scope: str


class ProjectBackup(TypedDict):
    """A backup of a project. databaseAt: the moment of its database that belongs to it."""

    id: str
    deploymentId: str
    envVars: list[VariableName]
    databaseSnapshotId: str | None
    databaseAt: str | None
    note: str | None
    trigger: str
    createdAt: str


class PutBack(TypedDict):
    """What came of a restore."""

    backup: ProjectBackup
    deployment: Deployment
    variables: list[str]


class DatabaseBackup(TypedDict):
    """A backup of a database. proof: passed, failed or unproven."""

    id: str
    kind: str
    trigger: str
    state: str
    proof: str
    started_at: str
    point_at: str | None
    size_bytes: int
    error: Document | None


class DatabaseBackupsApi:
    """Calls about the backups of the database of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/database/backups"

    def list(self, limit: int) -> list[DatabaseBackup]:
        """Return the newest backups, at most `limit` (and 500) of them."""
        return cast("list[DatabaseBackup]", self._transport.send("GET", self._at, query={"limit": str(min(limit, 500))})["backups"])

    def get(self, backup: str) -> DatabaseBackup | None:
        """Return one of the newest backups; None when it has not begun."""
        return next((item for item in self.list(100) if item["id"] == backup), None)

    def create(self, kind: str) -> Document:
        """Ask for a backup: full, or a dump; the answer has the id it will have. Raises: NotFound `database_not_found`."""
        return self._transport.send("POST", self._at, document={"kind": kind})


class BackupsApi:
    """Calls about the backups of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/backups"

    def list(self, limit: int) -> list[ProjectBackup]:
        """Return the newest backups, at most `limit` of them."""
        rows: list[ProjectBackup] = []
        cursor: str | None = None
        while len(rows) < limit:
            answer = self._transport.send("GET", self._at, query={"limit": str(min(limit - len(rows), 100)), "cursor": cursor})
            rows += cast("list[ProjectBackup]", answer["backups"])
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        return rows

    def create(self, note: str | None) -> ProjectBackup:
        """Back the project up as it is now. Raises: Invalid `nothing_live`."""
        return cast("ProjectBackup", self._transport.send("POST", self._at, document={"note": note})["backup"])

    def restore(self, backup: str) -> PutBack:
        """Put a backup back; the deployment that does it has only begun. Raises: NotFound, Conflict `artifact_missing`."""
        return cast("PutBack", self._transport.send("POST", f"{self._at}/{quote(backup, safe='')}/restore"))

    def remove(self, backup: str) -> None:
        """Delete a backup."""
        self._transport.send("DELETE", f"{self._at}/{quote(backup, safe='')}")
