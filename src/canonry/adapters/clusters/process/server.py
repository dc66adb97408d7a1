"""One cluster's PostgreSQL: started by the runtime, waited for, stopped. Every function here is called with the cluster's lock held."""

import secrets
import shlex
import signal
import socket
import struct
import time
from pathlib import Path
from urllib.parse import quote, urlencode

from canonry.adapters.clusters.process import configuration
from canonry.adapters.clusters.process.folders import Place
from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra import processes
from canonry.infra.files import write_atomic
from canonry.infra.postgres import cluster
from canonry.ports.builder import Mount
from canonry.ports.clusters import SUPERUSER, ClusterSpec
from canonry.ports.runtime import InstanceSpec, InstanceState, Resources, Runtime

_START_PATIENCE = 300.0  # seconds; recovery after a crash may take long
_RECOVERY_PATIENCE = 7200.0  # seconds for data that was restored
_PAUSE = 0.004
_MAY_WE_ENCRYPT = struct.pack("!ii", 8, 80877103)  # PostgreSQL's SSLRequest: the one question that is answered before anybody signs in


class Server:
    """Starts and stops PostgreSQL in the sandbox. programs: the folder of its programs. logs: one file for each cluster."""

    def __init__(self, runtime: Runtime, programs: Path, logs: Path, spool_limit: int) -> None:
        self._runtime, self._programs, self._logs, self._spool_limit = runtime, programs, logs, spool_limit

    def start(self, place: Place, spec: ClusterSpec) -> None:
        """Start it and return when it answers with the password in its folder.

        Raises: Conflict `database_version`; Unavailable `postgres_start_failed` | `disk_full`.
        """
        cluster.require_version(place.data, self._programs)
        fresh = not place.password.exists()
        place.prepare()
        configuration.write(place, spec, fresh=fresh, spool_limit=self._spool_limit)
        # Left by a server that is certainly not running; PostgreSQL itself would stop at a pid that another process has now.
        for left_over in (place.pid_file, place.socket, place.socket.with_name(f"{place.socket.name}.lock")):
            left_over.unlink(missing_ok=True)
        log = self.log(place.id)
        log.parent.mkdir(parents=True, exist_ok=True)
        offset = log.stat().st_size if log.exists() else 0
        self._runtime.forget(place.id)
        self._runtime.start(self._instance(place, spec, log))
        try:
            self._wait(place, offset)
            if fresh:
                self._make_it_ours(place)
        except BaseException:
            self.stop(place, grace=5)
            raise

    def stop(self, place: Place, *, grace: float) -> None:
        """Fast shutdown, SIGKILL after `grace` seconds; nothing when it does not run."""
        state = self._runtime.state(place.id)
        if state is not None and state.running and state.pid is not None:
            self._interrupt(place, state.pid, grace)
        self._runtime.stop(place.id, 0)
        self._runtime.forget(place.id)

    def log(self, cluster_id: str) -> Path:
        """Where the cluster writes what goes wrong."""
        return self._logs / f"{cluster_id}.log"

    def _interrupt(self, place: Place, pid: int, grace: float) -> None:
        process = processes.identify(pid)
        if process is not None and place.pid_file.exists():  # else it is not PostgreSQL yet
            processes.stop(process, grace=grace, ask=signal.SIGINT)

    def _instance(self, place: Place, spec: ClusterSpec, log: Path) -> InstanceSpec:
        installed = self._programs.parent
        inside = [Mount(place.data, str(place.data), writable=True), Mount(place.spool, str(place.spool), writable=True),
                  Mount(place.run, str(place.run), writable=True), Mount(installed, str(installed))]  # fmt: skip
        files = [Mount(place.conf, str(place.conf))]
        if (local := place.folder / "local.conf").is_file():
            files.append(Mount(local, str(local)))
        command = f"exec {shlex.quote(str(self._programs / 'postgres'))} -D {shlex.quote(str(place.data))}"
        # Backends are bounded by max_connections; the control group only has to stop what should never happen.
        resources = Resources(memory_mb=spec.tier.memory_mb, processes=spec.tier.connections + 64, oom_score=100)
        return InstanceSpec(id=place.id, app=installed, command=command, environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                            log=log, resources=resources, mounts=(*inside, *files), needs_port=False,
                            labels={"kind": "database"})  # fmt: skip

    def _wait(self, place: Place, offset: int) -> None:
        """Wait until the server has written into its pid file that it takes connections (as pg_ctl does)."""
        deadline = time.monotonic() + (_RECOVERY_PATIENCE if not place.password.exists() else _START_PATIENCE)
        while time.monotonic() < deadline:
            try:
                lines = place.pid_file.read_text(encoding="utf-8").split("\n")
            except OSError:
                lines = []
            if len(lines) > 7 and lines[7].strip() in {"ready", "standby"}:
                return
            state = _running(self._runtime.state(place.id))
            if state is not None:
                raise self._failed(place, state, offset)
            time.sleep(_PAUSE)
        raise Unavailable("postgres_start_failed", f"The database {place.id} does not answer.", hint=f"Read {self.log(place.id)}.")

    def _failed(self, place: Place, reason: str, offset: int) -> Unavailable:
        with self.log(place.id).open("rb") as file:
            file.seek(offset)
            text = file.read(65_536).decode(errors="replace")
        return cluster.init_failed(text or reason)

    def _make_it_ours(self, place: Place) -> None:
        import psycopg  # noqa: PLC0415 -- as superuser.py

        from canonry.adapters.clusters.process import superuser  # noqa: PLC0415

        password = secrets.token_urlsafe(32)
        try:
            superuser.end_recovery_and_set_password(_url(place, "postgres"), password, _RECOVERY_PATIENCE)
            write_atomic(place.password, f"{password}\n", mode=0o600)
            configuration.write_hba(place, fresh=False)
            superuser.reload_settings(admin_url(place, "postgres").reveal())
        except (psycopg.Error, TimeoutError) as error:
            raise Unavailable("postgres_start_failed", f"The database {place.id} runs but refuses us: {error}",
                              hint=f"Read {self.log(place.id)}.") from error  # fmt: skip


def listens(place: Place) -> bool:
    """Say whether somebody takes connections on its socket: the file is there after a kill, too, and the end is noticed a moment later."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(place.socket))
            probe.sendall(_MAY_WE_ENCRYPT)
            return bool(probe.recv(1))  # one that is being killed is connected to, and answers nothing
        except TimeoutError:  # its queue is full
            return True
        except OSError:
            return False


def admin_url(place: Place, database: str) -> Secret:
    """Return the superuser's address, password included. Raises: OSError when there is no password yet."""
    return Secret(_url(place, database, place.password.read_text(encoding="utf-8").strip()))


def _url(place: Place, database: str, password: str = "") -> str:
    options = urlencode({"host": str(place.run), "port": 5432}, quote_via=quote)
    return f"postgresql://{SUPERUSER}{':' if password else ''}{password}@/{quote(database, safe='')}?{options}"


def _running(state: InstanceState | None) -> str | None:
    """Return None while it runs, else why it does not."""
    if state is None:
        return "it is gone"
    return None if state.running else state.reason or "it ended"
