"""Pure decisions about databases: names, sizes, ports, what is shown."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from canonry.core.errors import Conflict, Invalid, Issue
from canonry.features.databases.models import Access, Database, Role, State, Wish
from canonry.ports.clusters import TIERS, Clusters, ClusterState

SMALLEST_DISK = 64
URL = "DATABASE_URL"
_OF_LIBPQ = {"sslmode": "PGSSLMODE", "channel_binding": "PGCHANNELBINDING"}
_FORK = "preview/pull:"
_BRANCH_MB = 1024
_ROOM_TO_MAKE_ROOM = 64 << 20
_NOTHING = 1 << 20  # bytes that a database grows by without anybody writing
_SHORTEST_LOOK = 1.0  # seconds


@dataclass(frozen=True)
class Names:
    """What things are called inside a cluster. logins: the two that take turns. guests: what the logins of people begin with."""

    database: str
    owner: str
    logins: tuple[str, str]
    guests: str


def names_of(clusters: Clusters, cluster_id: str) -> Names:
    """Return the names inside a cluster."""
    found = clusters.names(cluster_id)
    return Names(found.database, found.owner, (f"{found.owner}_1", f"{found.owner}_2"), f"{found.owner}_guest_")


def other_login(names: Names, login: str) -> str:
    """Return the login that is not this one."""
    first, second = names.logins
    return second if login == first else first


def new_password() -> str:
    """Return a password that needs no quoting anywhere."""
    return secrets.token_hex(20)


def check_wish(wish: Wish, most_mb: int, *, shared: bool) -> None:
    """Return when a database can be like that. most_mb: what one may take. shared: it lies on a server outside.

    Raises: Invalid `invalid_database`, naming each field.
    """
    issues = []
    if shared and wish.public:
        issues.append(Issue("body.public", "is decided where the server outside is (CANONRY_DATABASES_URL)", "outside"))
    if wish.tier is not None and wish.tier not in TIERS:
        issues.append(Issue("body.tier", f"must be one of {', '.join(TIERS)}", "tier"))
    if wish.disk_mb is not None and not SMALLEST_DISK <= wish.disk_mb <= most_mb:
        issues.append(Issue("body.disk_mb", f"must be from {SMALLEST_DISK} to {most_mb}", "range"))
    if issues:
        text = "; ".join(f"{issue.path.removeprefix('body.')} {issue.message}" for issue in issues)
        raise Invalid("invalid_database", f"A database cannot be like that: {text}.",
                      hint="CANONRY_DATABASE_DISK sets how much a database may take.", issues=issues)  # fmt: skip


def require_free_name(own: Collection[str], slug: str) -> None:
    """Return when the project has no variable of its own where its database would be named. Raises: Conflict `database_url_is_set`."""
    if URL in own:
        raise Conflict("database_url_is_set", f"{slug} has a variable {URL} of its own, and an app can have only one.",
                       hint=f"Remove it first: canonry env rm {URL}. Its value is not shown again, so keep it if you need it.")  # fmt: skip


def url_of(access: Access) -> str:
    """Return a connection string."""
    query = f"?{urlencode(access.options)}" if access.options else ""
    user, password = quote(access.user, safe=""), quote(access.password.reveal(), safe="")
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"postgresql://{user}:{password}@{host}:{access.port}/{quote(access.database, safe='')}{query}"


def variables_of(access: Access) -> dict[str, str]:
    """Return the variables by which an app, and libpq without being told, finds the database."""
    return {
        URL: url_of(access), "PGHOST": access.host, "PGPORT": str(access.port), "PGUSER": access.user,
        "PGPASSWORD": access.password.reveal(), "PGDATABASE": access.database,
        **{_OF_LIBPQ[name]: value for name, value in access.options.items() if name in _OF_LIBPQ},
    }  # fmt: skip


def status_of(database: Database, cluster: ClusterState | None) -> tuple[str, str]:
    """Return how a database is, in one word, and why when that is no good word."""
    if database.state is State.CREATING:
        return "provisioning", ""
    if database.state is State.REMOVING:
        return "removing", ""
    if database.role is Role.RETIRED and cluster is not None and not cluster.running:
        return "kept", ""
    if cluster is None:
        return "error", database.reason or "its data is not there"
    if cluster.running:
        return "active", database.reason
    if cluster.asleep:
        return "sleeping", ""
    return "error", database.reason or cluster.reason or "it does not run; it is started again within seconds"


def gets_a_copy(environment: str, size_bytes: int) -> str:
    """Return why a preview does not get a copy of production's data; empty when it does."""
    if environment.startswith(_FORK):
        return "its commits come from a fork"
    if size_bytes > _BRANCH_MB << 20:
        return f"production's database has {size_bytes >> 20} MiB, and copies are made of up to {_BRANCH_MB}"
    return ""


def is_too_large(database: Database, size_bytes: int) -> bool:
    """Say whether its writes are to be refused. One that was too large has to come a little below its limit before it may write again."""
    limit = database.disk_mb << 20
    return size_bytes > (limit * 95 // 100 if database.read_only else limit)


def is_nearly_full(database: Database, size_bytes: int) -> bool:
    """Say whether its limit is near: from nine tenths of it on, until it is well below that again."""
    return size_bytes >= (database.disk_mb << 20) * (85 if database.nearly_full else 90) // 100


class Seen(Protocol):
    """How large a database is seen to be, and whether its app is kept out; see `inside.Look`."""

    @property
    def size_bytes(self) -> int: ...  # noqa: D102 -- see inside.Look
    @property
    def temporary_bytes(self) -> int: ...  # noqa: D102
    @property
    def kept_out(self) -> bool: ...  # noqa: D102


def is_to_be_kept_out(database: Database, seen: Seen, *, grown: int) -> bool:
    """Say whether the app may connect no more: far over its limit it writes on (grown: bytes since the last look), or sorts on the disk.

    One that only lies there so large, because its limit was lowered, is read on. One that is kept out stays so until there is room.
    """
    limit = database.disk_mb << 20
    over = max(limit // 4, _ROOM_TO_MAKE_ROOM)
    if seen.size_bytes > limit + over and (seen.kept_out or grown > _NOTHING):
        return True
    return seen.temporary_bytes > over and seen.size_bytes + seen.temporary_bytes > limit + over


def seconds_to_look(limit_bytes: int, before: int, size_bytes: int, seconds: float, *, longest: float) -> float:
    """Return when to look at a size again: well before it can be at its limit. It has grown from `before` within so many seconds."""
    growth = (size_bytes - before) / max(seconds, 0.001)
    if growth <= 0:
        return longest
    if size_bytes >= limit_bytes:
        return min(longest, _SHORTEST_LOOK)
    return min(longest, max(_SHORTEST_LOOK, (limit_bytes - size_bytes) / growth / 2))


def facts(database: Database) -> dict[str, object]:
    """Return what events say of a database."""
    return {
        "environment": database.environment, "role": str(database.role), "version": database.version, "tier": database.tier,
        "disk_mb": database.disk_mb, "sleeps": database.sleeps, "public": database.public, "login": database.login,
    }  # fmt: skip
