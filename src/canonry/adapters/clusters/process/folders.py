"""What lies where in `<home>/databases`, and the lock of each cluster.

<cluster id>/data/          the data folder        <cluster id>/cluster.json  how it was last started
<cluster id>/spool/         segments that wait     <cluster id>/password      of the superuser
<cluster id>/run/           the unix socket        <cluster id>/conf/         what the server reads beside its data
<cluster id>/asleep         it was put to sleep
.template-<version>/        data that is copied    .locks/<cluster id>        held while something is done to it
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from canonry.core.errors import Conflict, NotFound
from canonry.infra.files import write_atomic
from canonry.infra.locks import locked
from canonry.ports.clusters import ClusterSpec, Tier

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SOCKET_NAME = "/.s.PGSQL.5432.lock"
_LONGEST_SOCKET = 107  # bytes of a unix socket's path
_PATIENCE = 120.0  # seconds to wait for somebody else who is at work on a cluster


@dataclass(frozen=True)
class Place:
    """The folder of one cluster."""

    folder: Path

    @property
    def id(self) -> str:
        """The cluster's id."""
        return self.folder.name

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def spool(self) -> Path:
        """Segments that wait for the archive."""
        return self.folder / "spool"

    @property
    def conf(self) -> Path:
        """Who may connect, and the program that keeps a segment; a folder, so that the sandbox sees files that are replaced."""
        return self.folder / "conf"

    @property
    def run(self) -> Path:
        """Where the unix socket is: in the folder when that path is short enough, else under /tmp."""
        inside = self.folder / "run"
        if len(os.fsencode(inside)) + len(_SOCKET_NAME) <= _LONGEST_SOCKET:
            return inside
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"canonry-{os.getuid()}-{digest}"

    @property
    def socket(self) -> Path:
        """The unix socket itself."""
        return self.run / ".s.PGSQL.5432"

    @property
    def pid_file(self) -> Path:
        """Written by PostgreSQL; its eighth line says when it is ready."""
        return self.data / "postmaster.pid"

    @property
    def password(self) -> Path:
        """The superuser's password; not there until the first start of the data has set one."""
        return self.folder / "password"

    @property
    def asleep(self) -> Path:
        """There while it sleeps."""
        return self.folder / "asleep"

    def prepare(self) -> None:
        """Make the folders beside the data. Raises: Conflict `folder_taken` when another user made one of them."""
        for folder in (self.run, self.spool, self.conf):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.lstat().st_uid != os.getuid():
                raise Conflict("folder_taken", f"{folder} belongs to another user.", hint="Have it removed, then try again.")

    def read_spec(self) -> ClusterSpec | None:
        """Return how it was last started, None when it never was."""
        try:
            values = json.loads((self.folder / "cluster.json").read_bytes())
            return ClusterSpec(**{**values, "tier": Tier(**values["tier"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write_spec(self, spec: ClusterSpec) -> None:
        """Remember how it is started."""
        write_atomic(self.folder / "cluster.json", json.dumps({**asdict(spec), "settings": dict(spec.settings)}), mode=0o600, sync=False)


class Folders:
    """All clusters of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, cluster_id: str) -> Place:
        """Return the place of a cluster, whether it is there or not. Raises: NotFound `cluster_missing` for what cannot be an id."""
        if not _ID.fullmatch(cluster_id):
            raise NotFound("cluster_missing", f"{cluster_id[:80]!r} is no cluster.")
        return Place(self.root / cluster_id)

    def existing(self, cluster_id: str) -> Place:
        """Return the place of a cluster that is there. Raises: NotFound `cluster_missing`."""
        place = self.place(cluster_id)
        if not place.data.is_dir():
            raise NotFound("cluster_missing", f"There is no cluster {cluster_id} on this machine.",
                           hint="Restore it from a backup: canonry db restore.")  # fmt: skip
        return place

    def places(self) -> list[Place]:
        """Return every cluster there is."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.root) if _ID.fullmatch(entry.name))
        except FileNotFoundError:
            return []
        return [place for name in names if (place := Place(self.root / name)).data.is_dir()]

    @contextmanager
    def lock(self, *cluster_ids: str) -> Iterator[None]:
        """Hold these clusters inside the block. Raises: Conflict `busy`; NotFound `cluster_missing` for what cannot be an id."""
        first, *others = sorted(set(cluster_ids))  # always in one order, so that two who want the same two wait for each other
        folder = self.root / ".locks"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(folder / self.place(first).id, timeout=_PATIENCE, purpose=f"do something to database {first}"):
            if not others:
                yield
                return
            with self.lock(*others):
                yield
