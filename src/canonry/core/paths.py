"""Every path under Canonry's home, named once."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SOCKET_PATH_LIMIT = 80  # a unix socket's path may have 107 bytes; the names we append need up to 27


@dataclass(frozen=True)
class Home:
    """The home folder and what lies in it. Making the object touches nothing; `create()` makes the folders."""

    root: Path

    def create(self) -> None:
        """Make the folders that must exist before anything starts (0711 the root, 0700 the private ones)."""
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        for folder in (self.routes, self.edge_requests, self.artifacts, self.builds, self.uploads, self.caches, self.toolchains,
                       self.instances, self.repositories, self.mirrors, self.build_logs, self.instance_logs):  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
        self.volumes.mkdir(mode=0o700, exist_ok=True)
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def run(self) -> Path:
        """Sockets, locks and process ids. Beside the home when its path is short enough for a unix socket, else under /tmp."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= _SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"canonry-{os.getuid()}-{digest}"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one Python process that serves this home."""
        return self.run / "serve.lock"

    @property
    def serve_state(self) -> Path:
        """JSON of the serving process: pid, started, http_port, base_domain, version."""
        return self.run / "serve.json"

    @property
    def web_socket(self) -> Path:
        """Unix socket on which the web process answers; the edge proxies to it."""
        return self.run / "web.sock"

    @property
    def caddy_admin(self) -> Path:
        """Unix socket of Caddy's admin API: a symlink to the one of the Caddy in charge."""
        return self.run / "caddy.sock"

    @property
    def edge(self) -> Path:
        """Everything the edge reads."""
        return self.root / "edge"

    @property
    def routes(self) -> Path:
        """`<host>`: one line that says where its requests go; the edge reads it at each request."""
        return self.edge / "routes"

    @property
    def edge_requests(self) -> Path:
        """`caddy-<generation>.log`: a line for each request that was answered, until the metrics have counted it."""
        return self.edge / "requests"

    @property
    def permits(self) -> Path:
        """`<host>`: certificates for this name may be obtained (`issuing`), or there is one (`active`); the edge reads it."""
        return self.edge / "permits"

    @property
    def postgres(self) -> Path:
        """Canonry's own PostgreSQL: `data/` and its settings."""
        return self.root / "postgres"

    @property
    def databases(self) -> Path:
        """`<cluster id>/`: the clusters of projects' databases; beside them `.template-<version>/` and what runs."""
        return self.root / "databases"

    @property
    def backups(self) -> Path:
        """Where backups lie unless CANONRY_BACKUPS_URL says otherwise."""
        return self.root / "backups"

    @property
    def half_restored(self) -> Path:
        """There while a restore into this home is under way: what lies beside it is not whole."""
        return self.root / ".restoring"

    @property
    def backups_key(self) -> Path:
        """The key of the backups unless CANONRY_BACKUPS_KEY_FILE says otherwise; in no backup."""
        return self.root / "backups.key"

    @property
    def restoring(self) -> Path:
        """`<name>/`: data folders on their way out of the archive."""
        return self.root / "restoring"

    @property
    def secret_key(self) -> Path:
        """The instance's own key (32 random bytes, 0600): signs cursors, encrypts variables."""
        return self.root / "secret.key"

    @property
    def artifacts(self) -> Path:
        """`<id>/`: what builds made; never changed afterwards."""
        return self.root / "artifacts"

    @property
    def builds(self) -> Path:
        """`<deployment id>/`: a build's work area, removed when it ends."""
        return self.root / "builds"

    @property
    def uploads(self) -> Path:
        """`<sha256>`: uploaded archives as they came."""
        return self.root / "uploads"

    @property
    def caches(self) -> Path:
        """`<project id>/` and `shared/`: caches of builds."""
        return self.root / "caches"

    @property
    def toolchains(self) -> Path:
        """`<name>-<version>/`: language toolchains, installed on demand."""
        return self.root / "toolchains"

    @property
    def instances(self) -> Path:
        """`<instance id>/state.json`: what the process runtime knows of each instance."""
        return self.root / "instances"

    @property
    def repositories(self) -> Path:
        """`<project id>.git`: bare repositories that Canonry hosts."""
        return self.root / "repositories"

    @property
    def mirrors(self) -> Path:
        """`<sha256 of url>.git`: bare mirrors of outside repositories."""
        return self.root / "mirrors"

    @property
    def volumes(self) -> Path:
        """`<volume id>/`: what apps keep in their volumes; nothing but the removal of the volume deletes it."""
        return self.root / "volumes"

    @property
    def mail(self) -> Path:
        """`<id>.eml`: what Canonry would have mailed, when no mail server is configured."""
        return self.root / "mail"

    @property
    def audit_anchors(self) -> Path:
        """One JSON line for each day and chain of events: where it stood."""
        return self.root / "audit.anchors"

    @property
    def logs(self) -> Path:
        """Log files of Canonry itself and of what it starts."""
        return self.root / "logs"

    @property
    def build_logs(self) -> Path:
        """`<deployment id>.jsonl`: the build log of a deployment, one JSON line each."""
        return self.logs / "builds"

    @property
    def instance_logs(self) -> Path:
        """`<instance id>.log`: stdout and stderr of an instance, exactly as written."""
        return self.logs / "instances"
