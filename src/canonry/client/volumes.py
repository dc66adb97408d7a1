"""The part of the HTTP API about the volumes of a project."""

from typing import cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document


class VolumesApi:
    """Calls about the volumes of one project. project: a slug or a `prj_` id. volume: its id."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._path = f"/v1/projects/{quote(project, safe='')}/volumes"

    def list(self) -> list[Document]:
        """Return the volumes of all environments, detached ones too."""
        return cast("list[Document]", self._transport.send("GET", self._path)["volumes"])

    def remove(self, volume: str) -> None:
        """Remove a volume with everything in it. Raises: NotFound; Conflict `volume_in_use`."""
        self._transport.send("DELETE", f"{self._path}/{quote(volume, safe='')}")
