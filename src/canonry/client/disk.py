"""The disk over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport


class ProjectUsage(TypedDict):
    """What a project keeps, in bytes by kind."""

    id: str
    slug: str
    used: dict[str, int]
    over: list[str]


class Disk(TypedDict):
    """The disk of a Canonry."""

    total_bytes: int
    free_bytes: int
    mark: str
    reserve_bytes: int
    clean_below_bytes: int
    budgets: dict[str, int]
    projects: list[ProjectUsage]
    platform: dict[str, int]


class ProjectDisk(TypedDict):
    """What one project keeps and may keep."""

    project: str
    used: dict[str, int]
    budgets: dict[str, int]
    over: list[str]
    pinned: list[str]


class Removal(TypedDict):
    """One thing that was removed, or would be."""

    what: str
    name: str
    bytes: int
    project_id: str | None


class Pruned(TypedDict):
    """What a prune did, or would do."""

    dry_run: bool
    removed: list[Removal]
    bytes: int
    environments: int


class Pin(TypedDict):
    """Whether what a deployment built is kept for good."""

    deployment: str
    pinned: bool


class DiskApi:
    """Calls about the disk."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def disk(self) -> Disk:
        """Return who uses how much. Raises: Denied for who does not run this Canonry."""
        return cast("Disk", self._transport.send("GET", "/v1/disk", timeout=_LONG))

    def project_disk(self, project: str) -> ProjectDisk:
        """Return what a project uses."""
        return cast("ProjectDisk", self._transport.send("GET", f"/v1/projects/{quote(project, safe='')}/disk", timeout=_LONG))

    def prune(self, *, dry_run: bool) -> Pruned:
        """Make room, or say what that would remove."""
        return cast("Pruned", self._transport.send("POST", "/v1/disk/prune", document={"dry_run": dry_run}, timeout=_LONG))

    def pin(self, deployment: str, *, pinned: bool) -> Pin:
        """Keep what a deployment built for good, or no longer. Raises: NotFound, Conflict `artifact_missing`."""
        return cast("Pin", self._transport.send("PUT" if pinned else "DELETE", f"/v1/deployments/{quote(deployment, safe='')}/pin"))


_LONG = 300.0  # seconds; a large home takes a while to be walked through
