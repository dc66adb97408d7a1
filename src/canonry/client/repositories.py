"""The parts of the HTTP API about repositories: the connected one of a project, its previews, and those that Canonry hosts."""

from typing import cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document, Transport
from canonry.core.errors import NotFound


class RepositoryApi:
    """Calls about the connection of one project. project: a slug or a `prj_` id."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._path = f"/v1/projects/{quote(project, safe='')}/git"

    def show(self) -> Document:
        """Return repository, branch, deploy key and webhook status."""
        return self._transport.send("GET", self._path)

    def connect(self, repo: str, branch: str | None, *, auto_deploy: bool, token: str | None, root: str | None = None) -> Document:
        """Connect; the answer holds the webhook secret, this once. Raises: NotFound; Invalid."""
        fields = {"repo": repo, "branch": branch, "autoDeploy": auto_deploy, "token": token, "rootDir": root}
        return self._transport.send("POST", self._path, document={name: value for name, value in fields.items() if value is not None})

    def disconnect(self) -> None:
        """Forget the repository."""
        self._transport.send("DELETE", self._path)

    def rotate_secret(self) -> Document:
        """Replace the webhook secret; the answer holds the new one, this once. Raises: Conflict `not_connected`."""
        return self._transport.send("POST", f"{self._path}/rotate-secret")


class PreviewsApi:
    """Calls about the previews of one project. preview: an id, or the first part of its host."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self._path = f"/v1/projects/{quote(project, safe='')}/previews"

    def list(self) -> list[Document]:
        """Return the previews there are, newest first."""
        return cast("list[Document]", self._transport.send("GET", self._path)["previews"])

    def create(self, branch: str, *, commit: str | None, expires: str | None) -> Document:
        """Make the preview of a branch, or bring it up to date. Raises: Conflict `no_source`; Invalid; Limited."""
        fields = {"branch": branch, "commit": commit, "expires": expires}
        return self._transport.send("POST", self._path, document={name: value for name, value in fields.items() if value is not None})

    def remove(self, preview: str) -> None:
        """Remove a preview. Raises: NotFound."""
        self._transport.send("DELETE", f"{self._path}/{quote(preview, safe='')}")

    def approve(self, preview: str, commit: str) -> Document:
        """Let a commit of a fork in. Raises: NotFound; Conflict `commit_moved`, `nothing_to_approve`."""
        return self._transport.send("POST", f"{self._path}/{quote(preview, safe='')}/approve", document={"commit": commit})


class RepositoriesApi:
    """Calls about the repositories of the organization. name: a name or an id."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)

    def list(self) -> list[Document]:
        """Return the repositories by name."""
        return cast("list[Document]", self._transport.send("GET", "/v1/repositories")["repositories"])

    def create(self, name: str, *, description: str, branch: str) -> Document:
        """Make one. Raises: Invalid; Conflict `repository_exists`."""
        document = {"name": name, "description": description, "default_branch": branch}
        return cast("Document", self._transport.send("POST", "/v1/repositories", document=document)["repository"])

    def add(self, place: str, token: str | None) -> Document:
        """Add one that lives at GitHub; the answer is the whole one, `webhook_problem` included. Raises: Invalid; Conflict; Denied."""
        document = {"repository": place, **({"token": token} if token else {})}
        return self._transport.send("POST", "/v1/repositories/github", document=document)

    def refresh(self, name: str) -> Document:
        """Have it looked at now. Raises: NotFound; Unavailable."""
        return cast("Document", self._transport.send("POST", f"{self._of(name)}/refresh")["repository"])

    def show(self, name: str) -> Document:
        """Return one. Raises: NotFound."""
        return cast("Document", self._transport.send("GET", self._of(name))["repository"])

    def remove(self, name: str) -> None:
        """Delete one that no project has. Raises: NotFound; Conflict."""
        self._transport.send("DELETE", self._of(name))

    def _of(self, name: str) -> str:
        return f"/v1/repositories/{quote(id_of(self._transport, name), safe='')}"


def id_of(transport: Transport, name: str) -> str:
    """Return what a repository is called in a path: of `owner/name` its id, for a name alone may belong to two."""
    if "/" not in name:
        return name
    for item in cast("list[Document]", transport.send("GET", "/v1/repositories")["repositories"]):
        if str(item["full_name"]).lower() == name.lower():
            return str(item["id"])
    raise NotFound("repository_not_found", f"There is no repository {name!r}.", hint="`canonry repos ls` lists yours.")
