"""Database clusters: for each database a small PostgreSQL of its own, which outlives Canonry's restarts and is found again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from canonry.core.secret import Secret

SUPERUSER = "canonry"  # of every cluster of ours; only over its unix socket
WAL_SEGMENT_BYTES = 4 << 20  # of every cluster of ours: small, because each minute of writing ends one


@dataclass(frozen=True)
class Tier:
    """How big a cluster is. memory_mb: what all its processes together may use. connections: of apps, at a time."""

    name: str
    memory_mb: int
    shared_buffers_mb: int
    connections: int


TIERS: Mapping[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier("small", memory_mb=384, shared_buffers_mb=16, connections=60),
        Tier("medium", memory_mb=1024, shared_buffers_mb=192, connections=120),
        Tier("large", memory_mb=4096, shared_buffers_mb=1024, connections=300),
    )
}


@dataclass(frozen=True)
class ClusterSpec:
    """All that is needed to run one cluster.

    id: `db_` and 16 hex digits, unique for ever. port: clients use `localhost:<port>`, so it stays the same (`Clusters.free_port`).
    disk_mb: what the data may take (the caller watches it, see `Clusters.size_bytes`). archive: keep every WAL segment in `spool/`.
    sleeps: may be put to sleep, and a connection wakes it. public: reachable from outside, with TLS only.
    settings: of postgresql.conf, winning over ours; the caller has checked them.
    """

    id: str
    port: int
    tier: Tier = TIERS["small"]
    disk_mb: int = 10_240
    archive: bool = True
    sleeps: bool = True
    public: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterNames:
    """What things are called in a cluster. database: the app's. owner: a role without login that owns it.

    Logins are the caller's: roles that are members of `owner` and whose names begin with `<owner>_`.
    """

    database: str
    owner: str


@dataclass(frozen=True)
class ClusterState:
    """What a cluster is doing now.

    running: it is up and can be reached. asleep: put to sleep; the next connection wakes it. pid: of its first process.
    reason: one sentence when it is down and nobody asked for that, else empty. memory_bytes: of all its processes (0 from `states`).
    started and last_used: unix times; last_used is when a client was last connected (now, while one is), 0 when none was yet.
    """

    id: str
    running: bool
    asleep: bool = False
    pid: int | None = None
    reason: str = ""
    memory_bytes: int = 0
    started: float = 0.0
    last_used: float = 0.0


class Clusters(Protocol):
    """Makes, starts, finds, copies and removes clusters.

    On an outside server a cluster is a database and a role; a client that comes while it is stopped gets an error there instead of waiting.
    Every method may be called from any thread and any process of the home's owner; two calls for one cluster follow each other.
    """

    @property
    def can_restore(self) -> bool:
        """Whether there are base backups, WAL and so restores to the second; False for databases on an outside server.

        Without it `copy`, `adopt`, `folder` and `upgrade` raise Unavailable `not_on_outside_server`.
        """
        ...

    def free_port(self, taken: Collection[int]) -> int:
        """Return a port for a new cluster that nobody listens on and that is not in `taken`. Raises: Unavailable `no_free_port`."""
        ...

    def create(self, spec: ClusterSpec) -> None:
        """Make the cluster, whole or not at all, with the database and the owner of `names`; start nothing.

        The database may be connected to by its owner's members only. One that is there already is left as it is.
        Raises: Unavailable `disk_full` | `postgres_start_failed`; Conflict `port_taken`.
        """
        ...

    def start(self, spec: ClusterSpec) -> ClusterState:
        """Run it as the specification says; return when it answers and clients reach it.

        One that runs like this already is left alone; one that runs with another specification is restarted (clients wait meanwhile).
        Recovery after a crash, or of an adopted folder, is waited for; that may take minutes.
        Raises: NotFound `cluster_missing`; Conflict `database_version` | `port_taken`; Unavailable `postgres_start_failed` | `disk_full`.
        """
        ...

    def wake(self, cluster_id: str) -> None:
        """Let a cluster run that is asleep or has died, as it was last started; one that somebody has stopped is left alone.

        For whoever only wants to connect: unlike `start` it never changes how a cluster runs. Raises: as `start`.
        """
        ...

    def stop(self, cluster_id: str, *, grace: float = 30.0) -> None:
        """End it: open transactions are rolled back, everything is written. After `grace` seconds it is killed. Idempotent.

        Clients that connect meanwhile wait (up to a minute) for it to be started again; nothing but `start` does that.
        """
        ...

    def sleep(self, cluster_id: str) -> bool:
        """Put it to sleep when its specification allows that and no client is connected; say whether it sleeps now."""
        ...

    def state(self, cluster_id: str) -> ClusterState | None:
        """Return what it is doing, None when there is no such cluster."""
        ...

    def states(self) -> list[ClusterState]:
        """Return every cluster there is, those started before a restart of Canonry included. Measures nothing: asked once a second."""
        ...

    def names(self, cluster_id: str) -> ClusterNames:
        """Return what the app's database and its owner are called there."""
        ...

    def admin_url(self, cluster_id: str, database: str = "postgres") -> Secret:
        """Return the address a superuser connects to (replication too), without the proxy; the cluster must run.

        On an outside server this is that server's own address. Raises: NotFound `cluster_missing`.
        """
        ...

    def address(self, spec: ClusterSpec) -> tuple[str, int]:
        """Return the host and the port that clients on this machine use."""
        ...

    def options(self) -> Mapping[str, str]:
        """Return what clients must add to an address (`sslmode`), nothing when the address is enough."""
        ...

    def version(self, cluster_id: str) -> int:
        """Return the major version that its data belongs to. Raises: NotFound `cluster_missing`."""
        ...

    def size_bytes(self, cluster_id: str) -> int:
        """Return what its data takes on disk, WAL included; 0 when there is none."""
        ...

    def copy(self, source_id: str, target_id: str) -> None:
        """Make a new cluster with what the source holds at this moment, whether that runs or not; start nothing.

        Costs no disk where the file system shares blocks (reflink) and the source is stopped. The copy has the source's roles and
        passwords. One that is there already is left as it is. Raises: NotFound `cluster_missing`; Unavailable `disk_full` | `copy_failed`.
        """
        ...

    def adopt(self, cluster_id: str, data: Path) -> None:
        """Make a new cluster of a data folder that was restored elsewhere on this disk (it is renamed); start nothing.

        What recovery needs must be inside the folder: settings in `postgresql.auto.conf`, `recovery.signal`, segments in a folder that
        `restore_command` names relative to the data folder (`cp restore/%f %p`). `start` waits until recovery has ended.
        Raises: Conflict `cluster_exists` | `database_version`.
        """
        ...

    def folder(self, cluster_id: str) -> Path:
        """Return its folder: `data/`, and `spool/` with whole segments that wait for the archive.

        A file `spool/GAP` says that segments were let go because the spool was full: one line for each, `<unix time> <segment>`, or
        `<unix time> upgrade`. Whoever starts a new base backup for it removes it.
        """
        ...

    def upgrade(self, cluster_id: str) -> int:
        """Move a stopped cluster to the newest PostgreSQL there is here, with pg_upgrade; return its major version. Start nothing.

        The old data stays as it was unless everything went well. Base backups from before cannot be rolled forward past this: the archive
        has a gap (`spool/GAP`). One that has that version already is left as it is.
        Raises: NotFound `cluster_missing`; Conflict `cluster_running` | `database_version`; Unavailable `upgrade_failed` | `disk_full`.
        """
        ...

    def remove(self, cluster_id: str) -> None:
        """End it and delete all there is of it. Idempotent."""
        ...

    def round(self) -> None:
        """Look after what clients need (waking, the proxy); called once a second in one process of a Canonry."""
        ...

    def close(self) -> None:
        """Stop looking after it. The clusters go on."""
        ...
