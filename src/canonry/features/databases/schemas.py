"""Shapes of requests and answers about databases."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from canonry.features.databases.models import Access, Database, Shown, Wish
from canonry.features.databases.rules import SMALLEST_DISK, url_of

TierName = Annotated[StrictStr, Field(max_length=20, description="small, medium or large", examples=["small"])]
DiskMb = Annotated[StrictInt, Field(ge=SMALLEST_DISK, le=1 << 24, description="MiB its data may take", examples=[1024])]


class ChangeDatabase(BaseModel):
    """Body of PATCH …/database; what is absent stays.

    sleeps: it sleeps after an hour without a connection, and the next one wakes it. public: reachable from other machines, with TLS only.
    """

    model_config = ConfigDict(extra="forbid")
    tier: TierName | None = None
    disk_mb: DiskMb | None = None
    sleeps: StrictBool | None = None
    public: StrictBool | None = None

    @property
    def wish(self) -> Wish:
        """What is wanted."""
        return Wish(self.tier, self.disk_mb, self.sleeps, self.public)


class CreateDatabase(ChangeDatabase):
    """Body of POST …/database; what is absent takes the default: small, may sleep, not reachable from other machines."""


class RotateDatabase(BaseModel):
    """Body of POST …/database/rotate. now: refuse the former password at once, and do not wait until nothing uses it any more."""

    model_config = ConfigDict(extra="forbid")
    now: StrictBool = False


class OpenDatabase(BaseModel):
    """Body of POST …/database/access. hours: for how long the login is good."""

    model_config = ConfigDict(extra="forbid")
    hours: Annotated[StrictInt, Field(ge=1, le=168)] = 8


class RotationBody(BaseModel):
    """A password that was replaced and still works. until: when it is refused; null until a deployment has replaced what uses it."""

    previous_user: str
    until: str | None


class DatabaseBody(BaseModel):
    """A database, without its password.

    environment: what uses it. role: live, restored, retired or drill.
    status (or state): provisioning, active, sleeping, kept (a retired one), error or removing.
    limit_bytes: what its data may take; read_only: it took more, so writes are refused until there is room; nearly_full: it takes nine
    tenths of that. overridden: the project has a DATABASE_URL of its own, which the app is given instead. connection_uri: with the
    password left out.
    """

    id: str
    project_id: str
    projectId: str  # noqa: N815 -- a word of the other platform's API
    environment: str
    role: str
    engine: str
    version: str
    region: str
    status: str
    state: str
    reason: str
    tier: str
    host: str
    port: int
    name: str
    user: str
    connection_uri: str
    connectionUri: str  # noqa: N815 -- likewise
    size_bytes: int
    limit_bytes: int
    read_only: bool
    nearly_full: bool
    sleeps: bool
    public: bool
    overridden: bool
    rotation: RotationBody | None
    source: str | None
    last_used_at: str
    created_at: str
    createdAt: str  # noqa: N815 -- likewise


class DatabaseAnswer(DatabaseBody):
    """One database: wrapped, and beside it for clients of either platform."""

    database: DatabaseBody


class DatabaseMadeAnswer(DatabaseAnswer):
    """A database with the connection string that its app is given. It is shown this once."""

    connection_string: str
    database_url: str


class DatabaseOpenedAnswer(DatabaseAnswer):
    """A connection string of your own, until expires_at. It is shown this once."""

    connection_string: str
    access_user: str
    expires_at: str


class DatabasesAnswer(BaseModel):
    """The databases of a project, oldest first."""

    databases: list[DatabaseBody]


def body_of(shown: Shown) -> DatabaseBody:
    """Return a database as the API shows it."""
    row = shown.database
    uri = f"postgresql://{row.login}:********@{shown.host}:{shown.port}/{shown.name}"
    created = row.created_at.isoformat()
    return DatabaseBody(
        id=row.id, project_id=row.project_id, projectId=row.project_id, environment=row.environment, role=row.role, engine="postgres",
        version=row.version, region="local", status=shown.status, state=shown.status, reason=shown.reason, tier=row.tier, host=shown.host,
        port=shown.port, name=shown.name, user=row.login, connection_uri=uri, connectionUri=uri, size_bytes=row.size_bytes,
        limit_bytes=row.disk_mb << 20, read_only=row.read_only, nearly_full=row.nearly_full, sleeps=row.sleeps, public=row.public,
        overridden=shown.overridden,
        rotation=_rotation(row), source=row.source, last_used_at=row.last_used_at.isoformat(), created_at=created, createdAt=created,
    )  # fmt: skip


def answer_of(shown: Shown) -> DatabaseAnswer:
    """Return a database, wrapped and beside it."""
    body = body_of(shown)
    return DatabaseAnswer(**body.model_dump(), database=body)


def made_answer(shown: Shown, access: Access) -> DatabaseMadeAnswer:
    """Return a database with its connection string."""
    url = url_of(access)
    return DatabaseMadeAnswer(**answer_of(shown).model_dump(), connection_string=url, database_url=url)


def opened_answer(shown: Shown, access: Access) -> DatabaseOpenedAnswer:
    """Return a database with a connection string of somebody's own."""
    until = access.expires_at.isoformat() if access.expires_at is not None else ""
    return DatabaseOpenedAnswer(
        **answer_of(shown).model_dump(), connection_string=url_of(access), access_user=access.user, expires_at=until
    )


def _rotation(row: Database) -> RotationBody | None:
    if row.previous_login is None:
        return None
    return RotationBody(previous_user=row.previous_login, until=row.previous_until.isoformat() if row.previous_until else None)
