"""The HTTP API, one method per call. Errors come back as the tree's errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast
from urllib.parse import quote, urlencode

from canonry.client.credentials import Credentials
from canonry.client.models import BuildLines, Deployment, Instance, Me, Project, RuntimeLines
from canonry.client.pack import Archive
from canonry.client.renewal import open_transport
from canonry.client.sse import ServerEvent
from canonry.client.transport import Document, Upload

_PAGE = 100
_UPLOAD_TIMEOUT = 600.0  # the server unpacks and checks before it answers

type Stream = AbstractContextManager[Iterator[ServerEvent]]


class Api:
    """Calls of one Canonry. `project` is a slug or a `prj_` id everywhere."""

    def __init__(self, credentials: Credentials) -> None:
        self._transport = open_transport(credentials)
        self.url = self._transport.url

    def me(self) -> Me:
        """Return who the token is. Raises: Unauthenticated."""
        return cast("Me", self._transport.send("GET", "/v1/me"))

    def create_project(self, name: str, **fields: str | None) -> Project:
        """Make a project. fields: slug, repo_url, repo_branch. Raises: Conflict `slug_taken`, `slug_reserved`."""
        return self._project("POST", "/v1/projects", {"name": name, **_present(fields)})

    def list_projects(self, limit: int | None = None) -> list[Project]:
        """Return the projects of the organization, at most `limit` of them."""
        return cast("list[Project]", self._list("/v1/projects", "projects", limit))

    def get_project(self, project: str) -> Project:
        """Return one project. Raises: NotFound."""
        return self._project("GET", _of(project))

    def update_project(self, project: str, **fields: str | int | None) -> Project:
        """Change the given fields; None clears one."""
        return self._project("PATCH", _of(project), fields)

    def delete_project(self, project: str) -> None:
        """Remove a project with everything that belongs to it."""
        self._transport.send("DELETE", _of(project))

    def stop_project(self, project: str) -> Project:
        """Stop its instances; its URL then says that it is stopped."""
        return self._project("POST", f"{_of(project)}/stop")

    def start_project(self, project: str) -> Project:
        """Start what was stopped. Raises: Conflict `no_deployment`."""
        return self._project("POST", f"{_of(project)}/start")

    def list_instances(self, project: str) -> list[Instance]:
        """Return every instance of the project."""
        return cast("list[Instance]", self._transport.send("GET", f"{_of(project)}/instances").get("instances", []))

    def upload(self, project: str, archive: Archive, sent: Callable[[int], None]) -> Deployment:
        """Deploy an archive. sent: called with the bytes sent so far. Raises: NotFound, TooLarge, Invalid."""
        answer = self._transport.send("POST", f"{_of(project)}/upload", upload=_upload(archive, sent), timeout=_UPLOAD_TIMEOUT)
        return cast("Deployment", answer["deployment"])

    def plan(self, archive: Archive, sent: Callable[[int], None]) -> Document:
        """Return what a deploy of the archive would do; nothing is kept."""
        answer = self._transport.send("POST", "/v1/deploy/plan", upload=_upload(archive, sent), timeout=_UPLOAD_TIMEOUT)
        return cast("Document", answer["plan"])

    def deploy(self, project: str, ref: str | None) -> Deployment:
        """Deploy from the connected repository. Raises: Conflict `no_source`."""
        return self._deployment("POST", f"{_of(project)}/deploy", _present({"ref": ref}))

    def list_deployments(self, project: str, limit: int | None = None) -> list[Deployment]:
        """Return the deployments of a project, the newest first."""
        return cast("list[Deployment]", self._list(f"{_of(project)}/deployments", "deployments", limit))

    def get_deployment(self, deployment: str) -> Deployment:
        """Return one deployment. Raises: NotFound."""
        return self._deployment("GET", _at(deployment))

    def retry(self, deployment: str) -> Deployment:
        """Do the same deployment again, as a new one."""
        return self._deployment("POST", f"{_at(deployment)}/retry")

    def cancel(self, deployment: str) -> Deployment:
        """Stop a deployment that is not finished."""
        return self._deployment("POST", f"{_at(deployment)}/cancel")

    def rollback(self, deployment: str) -> Deployment:
        """Go back to what this deployment released, as a new deployment without a build."""
        return self._deployment("POST", f"{_at(deployment)}/rollback")

    def rollback_project(self, project: str) -> Deployment:
        """Go back to what was live before, as a new deployment without a build. Raises: Conflict when there is nothing."""
        return self._deployment("POST", f"{_of(project)}/rollback")

    def build_lines(self, deployment: str, after: int = 0, limit: int | None = None) -> BuildLines:
        """Return a piece of a deployment's log, from `after` (the `next_seq` of the piece before) on."""
        return cast("BuildLines", self._transport.send("GET", f"{_at(deployment)}/logs", query={"after": after, "limit": limit}))

    def stream_build(self, deployment: str, last_id: str = "") -> Stream:
        """Open the live log of a deployment: events `line`, at the end `done`."""
        return self._transport.events("GET", f"{_at(deployment)}/logs/stream", last_id=last_id)

    def runtime_lines(self, project: str, **query: str | int | None) -> RuntimeLines:
        """Return a piece of what the instances wrote. query: since (ISO time or an age like `10m`), limit, cursor, before, q, process."""
        return cast("RuntimeLines", self._transport.send("GET", f"{_of(project)}/logs", query=query))

    def stream_runtime(self, project: str, cursor: str, narrowed: Mapping[str, str | None]) -> Stream:
        """Open the live log of a project behind a page's cursor: events `line`, without end. narrowed: q, process."""
        query = urlencode({name: value for name, value in narrowed.items() if value})
        return self._transport.events("GET", f"{_of(project)}/logs/stream" + (f"?{query}" if query else ""), last_id=cursor)

    def _project(self, method: str, path: str, document: Document | None = None) -> Project:
        return cast("Project", self._transport.send(method, path, document=document)["project"])

    def _deployment(self, method: str, path: str, document: Document | None = None) -> Deployment:
        return cast("Deployment", self._transport.send(method, path, document=document)["deployment"])

    def _list(self, path: str, key: str, limit: int | None) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = self._transport.send("GET", path, query={"limit": size, "cursor": cursor})
            found += page[key]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        return found


def _of(project: str) -> str:
    return f"/v1/projects/{quote(project, safe='')}"


def _at(deployment: str) -> str:
    return f"/v1/deployments/{quote(deployment, safe='')}"


def _present(fields: Document | dict[str, str | None]) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _upload(archive: Archive, sent: Callable[[int], None]) -> Upload:
    archive.file.seek(0)
    return Upload(archive.file, archive.size, "source.tar.gz", sent)
