"""Rows of databases, and what somebody wants of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from canonry.core.environments import PRODUCTION
from canonry.core.secret import Secret


class Role(StrEnum):
    """What a database is for: what an app uses, a restored one beside it, one that another took the place of, a throwaway."""

    LIVE = "live"
    RESTORED = "restored"
    RETIRED = "retired"
    DRILL = "drill"


class State(StrEnum):
    """creating → active → removing. One that a crash left in the first or the last is removed."""

    CREATING = "creating"
    ACTIVE = "active"
    REMOVING = "removing"


@dataclass(frozen=True)
class Database:
    """A database of a project in one environment.

    cluster_id: what the clusters know it by. login: who the app signs in as. previous_login: who it signed in as before the last
    rotation; refused from previous_until on, which is set once no instance uses it any more. read_only: it is larger than disk_mb, so
    its writes are refused; nearly_full: that is near. reason: what is wrong with it, else empty. busy_until: somebody works on its stopped
    cluster at most till then. source: the backup or database it was made from.
    """

    id: str
    organization_id: str
    project_id: str
    environment: str
    role: Role
    state: State
    cluster_id: str
    port: int
    version: str
    tier: str
    disk_mb: int
    login: str
    sealed_password: bytes = field(repr=False)
    previous_login: str | None
    sealed_previous: bytes | None = field(repr=False)
    previous_until: datetime | None
    rotated_at: datetime | None
    sleeps: bool
    public: bool
    read_only: bool
    nearly_full: bool
    size_bytes: int
    last_used_at: datetime
    reason: str
    busy_until: datetime | None
    source: str | None
    created_at: datetime

    def __post_init__(self) -> None:
        """Turn the text of the database into the enumerations."""
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "state", State(self.state))

    @property
    def bound(self) -> str:
        """The words that its passwords are sealed with."""
        return f"databases {self.id}"

    @property
    def is_archived(self) -> bool:
        """Whether its changes are kept for a restore: those of production are, a preview's copy is not."""
        return self.role is Role.LIVE and self.environment == PRODUCTION


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a database; None leaves what is, or for a new one takes the default."""

    tier: str | None = None
    disk_mb: int | None = None
    sleeps: bool | None = None
    public: bool | None = None


@dataclass(frozen=True)
class Access:
    """How to connect: who, with what, where, to which database.

    options: what a client has to add (`sslmode`). expires_at: of a login that is somebody's for a while.
    """

    user: str
    password: Secret
    host: str
    port: int
    database: str
    options: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Shown:
    """A database with how it is now, and why when that is an error.

    status: provisioning, active, sleeping, kept (a retired one), error or removing.
    """

    database: Database
    status: str
    reason: str
    host: str
    port: int
    name: str
    overridden: bool = False
