"""The database of a project over HTTP."""

from typing import NotRequired, TypedDict, cast
from urllib.parse import quote

from canonry.client.credentials import Credentials
from canonry.client.renewal import open_transport
from canonry.client.transport import Document

_PATIENCE = 300.0  # seconds: a server is made, restarted or recovered before it is answered


class Rotation(TypedDict):
    """A password that was replaced and still works. until: None until a deployment has replaced what uses it."""

    previous_user: str
    until: str | None


class Database(TypedDict):
    """A database. connection_string: only where a password has just been made."""

    id: str
    environment: str
    role: str
    version: str
    status: str
    reason: str
    tier: str
    host: str
    port: int
    name: str
    user: str
    size_bytes: int
    limit_bytes: int
    read_only: bool
    nearly_full: bool
    sleeps: bool
    public: bool
    overridden: bool
    rotation: Rotation | None
    source: str | None
    last_used_at: str
    created_at: str
    connection_string: NotRequired[str]
    access_user: NotRequired[str]
    expires_at: NotRequired[str]


class DatabasesApi:
    """Calls about the databases of one project (a slug or a `prj_` id)."""

    def __init__(self, credentials: Credentials, project: str) -> None:
        self._transport = open_transport(credentials)
        self.url = self._transport.url
        self._project = f"/v1/projects/{quote(project, safe='')}"
        self._at = f"{self._project}/database"

    def create(self, wish: Document) -> Database:
        """Make the database; the answer has the connection string, this once. Raises: Conflict `database_exists`."""
        return self._one("POST", self._at, wish)

    def show(self, environment: str | None = None) -> Database:
        """Return the database of production, or of another environment. Raises: NotFound `database_not_found`."""
        return cast("Database", self._transport.send("GET", self._at, query={"environment": environment}))

    def list(self) -> list[Database]:
        """Return every database of the project."""
        return cast("list[Database]", self._transport.send("GET", f"{self._project}/databases")["databases"])

    def change(self, wish: Document) -> Database:
        """Change what `wish` says."""
        return self._one("PATCH", self._at, wish)

    def rotate(self, environment: str | None, *, now: bool) -> Database:
        """Replace the password; the answer has the connection string, this once."""
        return self._one("POST", f"{self._at}/rotate", {"now": now}, environment)

    def access(self, environment: str | None, database: str | None, hours: int) -> Database:
        """Make a login of one's own for some hours; database: the id of another one than the environment's."""
        at = f"{self._at}/access" if database is None else f"{self._project}/databases/{quote(database, safe='')}/access"
        return self._one("POST", at, {"hours": hours}, environment if database is None else None)

    def upgrade(self) -> Database:
        """Move the database to the newest PostgreSQL there is. Raises: Conflict `database_is_current`."""
        return self._one("POST", f"{self._at}/upgrade", {})

    def delete(self, database: str | None = None) -> None:
        """Delete the database with everything in it, or a retired one by its id. Raises: Conflict `database_in_use`."""
        at = self._at if database is None else f"{self._project}/databases/{quote(database, safe='')}"
        self._transport.send("DELETE", at, timeout=_PATIENCE)

    def _one(self, method: str, path: str, document: Document, environment: str | None = None) -> Database:
        query = {"environment": environment}
        return cast("Database", self._transport.send(method, path, document=document, query=query, timeout=_PATIENCE))
