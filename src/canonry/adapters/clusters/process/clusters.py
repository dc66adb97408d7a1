"""The clusters of one home: what `ports.clusters.Clusters` promises, on this machine."""

import itertools
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from canonry.adapters.clusters.process import configuration, copying, template, upgrading
from canonry.adapters.clusters.process.certificate import own_certificate
from canonry.adapters.clusters.process.folders import Folders, Place
from canonry.adapters.clusters.process.gateway import Gateway, Seen
from canonry.adapters.clusters.process.server import Server, admin_url, listens
from canonry.adapters.clusters.process.waking import Ear
from canonry.adapters.clusters.proxy import table
from canonry.core.errors import CanonryError, Conflict, NotFound, Unavailable
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra import processes
from canonry.infra.files import remove_tree, sync_folder, write_atomic
from canonry.infra.postgres import cluster
from canonry.infra.postgres.programs import major_version, of_version, unpack
from canonry.infra.restarts import Restarts
from canonry.ports.clusters import ClusterNames, ClusterSpec, ClusterState
from canonry.ports.runtime import InstanceState, Runtime

_LOG = logging.getLogger(__name__)
_PORTS = range(15_000, 20_000)  # below those of instances


class ProcessClusters:
    """Any number of these objects, in any number of processes, may serve one home.

    runtime: starts the servers; it keeps its records apart from those of apps. wake_command: starts a database while Canonry does not
    run. spool_limit: bytes that may wait for the archive.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        runtime: Runtime,
        *,
        wake_command: Sequence[str],
        spool_limit: int = configuration.SPOOL_LIMIT_BYTES,
        find_programs: Callable[[Path], Path] = unpack,
    ) -> None:
        self._home, self._settings, self._runtime, self._spool_limit = home, settings, runtime, spool_limit
        self._folders = Folders(home.databases)
        self._gateway = Gateway(home, wake_command)
        self._find_programs = find_programs
        self._restarts = Restarts()
        self._ear: Ear | None = None
        self._preparing: threading.Thread | None = None

    @property
    def can_restore(self) -> bool:
        """These clusters have base backups and WAL."""
        return True

    def free_port(self, taken: Collection[int]) -> int:
        """Return a port of our own range; see the port."""
        held = {*taken, *(spec.port for place in self._folders.places() if (spec := place.read_spec()))}
        first = secrets.randbelow(len(_PORTS))
        for port in itertools.chain(_PORTS[first:], _PORTS[:first]):
            if port not in held and processes.is_port_free(port, ""):
                return port
        raise Unavailable(
            "no_free_port", f"No port from {_PORTS.start} to {_PORTS.stop - 1} is free.", hint="Remove databases you do not need."
        )

    def create(self, spec: ClusterSpec) -> None:
        """Copy the template; see the port."""
        with self._folders.lock(spec.id):
            place = self._folders.place(spec.id)
            if not place.data.is_dir():
                self._make(place)
            if self._gateway.entry(spec.port) is None:
                place.write_spec(spec)
                self._gateway.put(spec.port, self._entry(place, spec, table.HELD))

    def start(self, spec: ClusterSpec) -> ClusterState:
        """Run it as specified; see the port."""
        with self._folders.lock(spec.id):
            return self._start(self._folders.existing(spec.id), spec)

    def wake(self, cluster_id: str) -> None:
        """Start a cluster that a client waits for, as it was last started; see the port."""
        with self._folders.lock(cluster_id):
            place = self._folders.existing(cluster_id)
            spec = place.read_spec()
            entry = self._gateway.entry(spec.port) if spec else None
            if spec and entry and entry.cluster == cluster_id and entry.state != table.HELD:
                self._start(place, spec)

    def stop(self, cluster_id: str, *, grace: float = 30.0) -> None:
        """Fast shutdown; see the port."""
        with self._folders.lock(cluster_id):
            place = self._folders.place(cluster_id)
            place.asleep.unlink(missing_ok=True)
            self._turn(place, table.HELD)
            self._server().stop(place, grace=grace)

    def sleep(self, cluster_id: str) -> bool:
        """Put it to sleep when nobody is connected; see the port."""
        with self._folders.lock(cluster_id):
            place = self._folders.existing(cluster_id)
            spec = place.read_spec()
            found = self._runtime.state(cluster_id)
            if place.asleep.exists() or spec is None or not spec.sleeps or found is None or not found.running:
                return place.asleep.exists()
            seen = self._turn(place, table.ASLEEP)  # from here on whoever comes waits, and wakes it
            from canonry.adapters.clusters.process import superuser  # noqa: PLC0415 -- as superuser.py says

            if seen is None or seen.clients or superuser.clients(admin_url(place, "postgres").reveal()):
                self._turn(place, table.OPEN)
                return False
            write_atomic(place.asleep, f"{time.time():.0f}\n", mode=0o600)
            self._server().stop(place, grace=30)
            return True

    def state(self, cluster_id: str) -> ClusterState | None:
        """Return what it is doing; see the port."""
        try:
            place = self._folders.existing(cluster_id)
        except NotFound:
            return None
        return self._state(place, self._runtime.state(cluster_id), self._gateway.look())

    def states(self) -> list[ClusterState]:
        """Return every cluster of this home; nothing is measured."""
        running, seen = {state.id: state for state in self._runtime.states()}, self._gateway.look()
        return [self._state(place, running.get(place.id), seen) for place in self._folders.places()]

    def names(self, cluster_id: str) -> ClusterNames:  # noqa: ARG002 -- the same in each cluster
        """Return the names that the template has."""
        return ClusterNames(template.DATABASE, template.OWNER)

    def admin_url(self, cluster_id: str, database: str = "postgres") -> Secret:
        """Return the superuser's address; see the port."""
        place = self._folders.existing(cluster_id)
        try:
            return admin_url(place, database)
        except FileNotFoundError as error:
            raise NotFound(
                "cluster_missing", f"The cluster {cluster_id} was never started, so it has no password.", hint="Start it."
            ) from error

    def address(self, spec: ClusterSpec) -> tuple[str, int]:
        """Return what an app's DATABASE_URL names."""
        return "localhost", spec.port

    def options(self) -> Mapping[str, str]:
        """Nothing: clients on this machine need no encryption."""
        return {}

    def version(self, cluster_id: str) -> int:
        """Return the major version of its data."""
        return cluster.version_of(self._folders.existing(cluster_id).data)

    def size_bytes(self, cluster_id: str) -> int:
        """Return what its data takes on disk."""
        data = self._folders.place(cluster_id).data
        total = 0
        for folder, _, files in data.walk(on_error=lambda _error: None):
            for name in files:
                try:
                    total += (folder / name).lstat().st_blocks * 512
                except FileNotFoundError:
                    continue
        return total

    def copy(self, source_id: str, target_id: str) -> None:
        """Copy a cluster as it is now; see the port."""
        with self._folders.lock(source_id, target_id):
            source, target = self._folders.existing(source_id), self._folders.place(target_id)
            if target.data.is_dir():
                return
            found = self._runtime.state(source_id)
            if found is not None and found.running:
                self._take_over(target, lambda: copying.copy_running(source, target.data, self._programs_for(source.data)))
            else:
                self._take_over(target, lambda: template.copy_data(source.data, target.data))

    def adopt(self, cluster_id: str, data: Path) -> None:
        """Take a restored folder over; see the port."""
        with self._folders.lock(cluster_id):
            place = self._folders.place(cluster_id)
            if place.data.is_dir():
                raise Conflict("cluster_exists", f"There is a cluster {cluster_id} already.", hint="Remove it, or use another id.")
            self._programs_for(data)

            def move() -> None:
                data.rename(place.data)
                sync_folder(place.folder)

            self._take_over(place, move)

    def folder(self, cluster_id: str) -> Path:
        """Return its folder."""
        return self._folders.place(cluster_id).folder

    def upgrade(self, cluster_id: str) -> int:
        """Move it to the PostgreSQL that this Canonry brings; see the port."""
        with self._folders.lock(cluster_id):
            place, new = self._folders.existing(cluster_id), self._programs()
            found, target = self._runtime.state(cluster_id), major_version(new)
            if found is not None and found.running:
                raise Conflict("cluster_running", f"The database {cluster_id} runs.", hint="Stop it first.")
            if cluster.version_of(place.data) != target:
                self._tidy(place)
                upgrading.upgrade(place, place.read_spec() or ClusterSpec(cluster_id, 0), self._programs_for(place.data), new)
            return target

    def remove(self, cluster_id: str) -> None:
        """End it and delete all of it."""
        with self._folders.lock(cluster_id):
            place = self._folders.place(cluster_id)
            self._gateway.drop_all_of(cluster_id)
            self._server().stop(place, grace=5)
            if place.folder.exists():
                gone = place.folder.with_name(f".{place.id}.{secrets.token_hex(4)}.gone")
                place.folder.rename(gone)  # at once and whole: half a cluster would look like one
                remove_tree(gone)
            if place.run.parent != place.folder:
                remove_tree(place.run)
            self._server().log(cluster_id).unlink(missing_ok=True)

    def round(self) -> None:
        """See to it that the proxy runs while there is a database, that we hear it, and that the next database is prepared."""
        if not self._gateway.ports():
            return
        self._gateway.ensure()
        if self._ear is None:
            self._ear = Ear(self._gateway.wakes, self._wake_for_client)
            self._sweep()
        if self._preparing is None or not self._preparing.is_alive():
            if template.has_spare(self._home.databases, self._programs()):
                return
            self._preparing = threading.Thread(target=self._prepare, name="prepare-database", daemon=True)
            self._preparing.start()

    def close(self) -> None:
        """Hear the proxy no more; it goes on, and wakes databases by itself."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def shut_down(self) -> int:
        """End every cluster and the proxy (`canonry down`); return how many clusters ran."""
        running = [state.id for state in self._runtime.states() if state.running]
        self._gateway.stop()
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda cluster_id: self._server().stop(self._folders.place(cluster_id), grace=30), running))
        return len(running)

    def _wake_for_client(self, cluster_id: str) -> None:
        """Start it, ever more seldom when that fails: each client that waits asks for it every few seconds."""
        if not self._restarts.may(cluster_id):
            return
        self._restarts.begins(cluster_id)
        self.wake(cluster_id)
        self._restarts.forget(cluster_id)

    def _start(self, place: Place, spec: ClusterSpec) -> ClusterState:
        found = self._runtime.state(spec.id)
        entry = self._gateway.entry(spec.port)
        if entry is not None and entry.cluster != spec.id:
            self._require_stopped(entry.cluster, spec.port)
            entry = None
        if found is not None and found.running and listens(place) and place.password.exists() and place.read_spec() == spec:
            if entry is None or entry.state != table.OPEN:
                self._gateway.put(spec.port, self._entry(place, spec, table.OPEN))
            return self._state(place, found, {})
        was = entry.state if entry else table.HELD
        self._gateway.put(spec.port, self._entry(place, spec, table.HELD))
        server = self._server(place)
        server.stop(place, grace=30)
        self._tidy(place)  # what a copy or an upgrade has left that was killed
        place.write_spec(spec)
        try:
            server.start(place, spec)
        except BaseException:
            self._gateway.put(spec.port, self._entry(place, spec, was))
            raise
        place.asleep.unlink(missing_ok=True)
        self._gateway.put(spec.port, self._entry(place, spec, table.OPEN))
        self._gateway.drop_all_of(spec.id, but=spec.port)
        return self._state(place, self._runtime.state(spec.id), {})

    def _require_stopped(self, cluster_id: str, port: int) -> None:
        spec, state = self._folders.place(cluster_id).read_spec(), self._runtime.state(cluster_id)
        if spec is not None and spec.port == port and state is not None and state.running:
            raise Conflict("port_taken", f"Port {port} belongs to the database {cluster_id}, which runs.", hint="Stop that one first.")

    def _turn(self, place: Place, state: str) -> Seen | None:
        """Change how the cluster's clients are treated, when it has a port of its own."""
        spec = place.read_spec()
        entry = self._gateway.entry(spec.port) if spec else None
        if spec is None or entry is None or entry.cluster != place.id:
            return None
        return self._gateway.put(spec.port, self._entry(place, spec, state))

    def _entry(self, place: Place, spec: ClusterSpec, state: str) -> table.Entry:
        if not spec.public:
            return table.Entry(spec.id, state, str(place.socket))
        files: tuple[Path | str, Path | str] = (self._settings.tls_certificate, self._settings.tls_key)
        if not files[0]:
            files = own_certificate(self._home.databases / ".tls", self._settings.base_domain)
        return table.Entry(spec.id, state, str(place.socket), public=True, certificate=str(files[0]), key=str(files[1]))

    def _make(self, place: Place) -> None:
        databases, programs = self._home.databases, self._programs()

        def make() -> None:
            if not template.take_spare(databases, programs, place.data):
                template.copy_data(template.ready_template(databases, programs), place.data)

        self._take_over(place, make)

    def _prepare(self) -> None:
        try:
            template.make_spare(self._home.databases, self._programs())
        except (CanonryError, OSError):
            _LOG.exception("the next database cannot be prepared; it will be made when it is asked for")
            time.sleep(60)

    def _sweep(self) -> None:
        """Delete what a removal that was cut short has left."""
        for left_over in self._home.databases.glob(".*.gone"):
            remove_tree(left_over)

    def _take_over(self, place: Place, make_data: Callable[[], object]) -> None:
        """Make a data folder whose superuser has no password of ours yet; the next start sets one."""
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy(place)
        place.password.unlink(missing_ok=True)
        make_data()
        self._tidy(place)  # a copy that a killed Canonry began may have written its last while the first one was deleted

    @staticmethod
    def _tidy(place: Place) -> None:
        for left_over in place.folder.glob("*.tmp"):
            remove_tree(left_over)

    def _state(self, place: Place, found: InstanceState | None, seen: Mapping[int, Seen]) -> ClusterState:
        asleep, spec = place.asleep.exists(), place.read_spec()
        port = seen.get(spec.port) if spec else None
        last_used = 0.0 if port is None else time.time() if port.clients else port.last_used
        state = ClusterState(place.id, running=False, asleep=asleep, last_used=last_used)
        if found is None:
            return state
        if not found.running:
            return replace(state, reason="" if asleep else found.reason)
        return replace(state, running=True, asleep=False, pid=found.pid, memory_bytes=found.memory_bytes, started=found.started)

    def _programs(self) -> Path:
        return self._find_programs(self._home.toolchains)

    def _programs_for(self, data: Path) -> Path:
        """Return the programs for a data folder: ours, else those that an earlier Canonry unpacked. Raises: Conflict `database_version`."""
        ours = self._programs()
        found = of_version(self._home.toolchains, cluster.version_of(data), ours=ours)
        if found is None:
            cluster.require_version(data, ours)  # says what to do
        return found or ours

    def _server(self, place: Place | None = None) -> Server:
        programs = self._programs_for(place.data) if place else self._programs()
        return Server(self._runtime, programs, self._home.logs / "databases", self._spool_limit)
