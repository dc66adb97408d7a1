"""The scale of a project over HTTP."""

from typing import TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class ProcessScale(TypedDict):
    """One process: how many instances are wanted, run and are healthy, and how big each is (cpu None: no limit)."""

    process: str
    instances: int
    size: str | None
    memory_mb: int
    cpu: float | None
    running: int
    healthy: int


class Tier(TypedDict):
    """A size by name."""

    size: str
    memory_mb: int
    cpu: float


class Scales(TypedDict):
    """The processes of a project, and the sizes there are."""

    processes: list[ProcessScale]
    tiers: list[Tier]
    max_instances: int


class ScaleApi:
    """Calls about the scale of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._at = f"/v1/projects/{quote(project, safe='')}/scale"

    def show(self) -> Scales:
        """Return what every process has."""
        return cast("Scales", self._transport.send("GET", self._at))

    def set(self, wish: Document) -> ProcessScale:
        """Set the scale of a process. wish: instances, process, size, memory_mb, cpu (None: no limit). Raises: Invalid."""
        return cast("ProcessScale", self._transport.send("POST", self._at, document=wish)["scale"])
