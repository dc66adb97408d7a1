"""The running server: found by its pid file, started detached, stopped, asked whether it answers."""

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from canonry.core.errors import Unavailable
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import child_environment
from canonry.infra import processes
from canonry.infra.postgres import cluster
from canonry.infra.postgres.programs import of_version, runnable, unpack
from canonry.infra.processes import ProcessId

_DATABASE = "canonry"
_PORT = 5432
_START_TIMEOUT = 60.0  # seconds; recovery after a crash may take long


class Postgres:
    """The PostgreSQL of one home. It outlives us; every method may be called by any process of the home's owner.

    settings: added to (and winning over) the built-in ones of postgresql.conf. archive: keep every finished segment of WAL in
    `<home>/postgres/spool`, from where somebody has to take them.
    """

    def __init__(self, home: Home, *, settings: Mapping[str, str] | None = None, archive: bool = False) -> None:
        self.home = home
        self._archive = archive
        self._settings = settings or {}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where the server writes what goes wrong."""
        return self.home.logs / "postgres.log"

    @property
    def url(self) -> Secret:
        """The address of Canonry's own database on it. Raises: Conflict `database_password_missing`."""
        return self.database_url(_DATABASE)

    def database_url(self, name: str) -> Secret:
        """Return the address of a database on this server, password included."""
        options = urlencode({"host": str(self.home.run), "port": _PORT}, quote_via=quote)
        return Secret(f"postgresql://{cluster.USER}:{cluster.password(self.home.postgres).reveal()}@/{quote(name)}?{options}")

    def find(self) -> ProcessId | None:
        """Return the server's process when it runs, whoever started it."""
        if self._child is not None:
            self._child.poll()  # takes a dead child off the process table
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
            process = processes.identify(pid)
            # A stale pid file may name a stranger; only the postmaster works in the data folder.
            return process if Path(f"/proc/{pid}/cwd").samefile(self._data) else None
        except (OSError, ValueError):
            return None

    def is_running(self) -> bool:
        """Say whether it runs and can be reached."""
        return self.find() is not None and self._socket.exists()

    def ensure(self) -> ProcessId:
        """Return the running server's process; set up, start and wait for it when needed.

        Raises: Conflict `database_version` | `database_password_missing`; Unavailable `postgres_start_failed` | `disk_full`; OSError.
        """
        process = self.find()
        if process is not None and not self._socket.exists():  # somebody cleared the folder of sockets
            self.stop()
            process = None
        if process is None:
            process = self._start()
        return process

    def stop(self, grace: float = 60) -> None:
        """End it: open transactions are rolled back, everything is written. Idempotent; returns when it is gone."""
        if process := self.find():
            processes.stop(process, grace=grace, ask=signal.SIGINT)
        if self._child is not None:
            self._child.wait(timeout=10)
            self._child = None

    def answers(self) -> bool:
        """Say whether a connection can be opened now."""
        from canonry.infra.postgres import connections  # noqa: PLC0415 -- finding and stopping a server needs no psycopg (0.1 s to import)

        return connections.answers(self.url)

    def _start(self) -> ProcessId:
        ours = unpack(self.home.toolchains)
        cluster.create(self.home.postgres, ours)
        # Data stays on the PostgreSQL that made it; an earlier Canonry has left its programs here.
        programs = of_version(self.home.toolchains, cluster.version_of(self._data), ours=ours) or ours
        cluster.require_version(self._data, programs)
        self.home.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        archiving = cluster.archiving(self.home.postgres) if self._archive else {}
        cluster.write_settings(self._data, self.home.run, {**archiving, **self._settings})
        # Left by a server that is certainly not running; PostgreSQL itself would stop at a pid that a stranger has now.
        for left_over in (self._pid_file, self._socket, self._socket.with_name(f"{self._socket.name}.lock")):
            left_over.unlink(missing_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        offset = self.log.stat().st_size if self.log.exists() else 0
        argv = runnable([str(programs / "postgres"), "-D", str(self._data)])
        self._child = processes.start_detached(argv, log=self.log, env={**child_environment(), "LC_ALL": "C", "TZ": "UTC"})
        return self._wait(self._child, offset)

    def _wait(self, child: subprocess.Popen[bytes], offset: int) -> ProcessId:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if child.poll() is not None:
                self._child = None
                raise cluster.init_failed(self._log_after(offset))
            if self._is_ready() and (process := self.find()):
                self._make_database()
                return process
            time.sleep(0.005)
        raise Unavailable("postgres_start_failed", f"PostgreSQL does not answer after {_START_TIMEOUT:g} s.", hint=f"Read {self.log}.")

    def _make_database(self) -> None:
        from canonry.infra.postgres import connections  # noqa: PLC0415 -- as in `answers`

        try:
            connections.make_database(self.url, self.database_url("postgres"), _DATABASE)
        except ConnectionError as error:
            raise Unavailable("postgres_start_failed", f"PostgreSQL runs but refuses us: {error}", hint=f"Read {self.log}.") from error

    def _is_ready(self) -> bool:
        """Say whether the server has written into its pid file that it takes connections (as pg_ctl does)."""
        try:
            lines = self._pid_file.read_text(encoding="utf-8").split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _log_after(self, offset: int) -> str:
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read(65536).decode(errors="replace")

    @property
    def _data(self) -> Path:
        return self.home.postgres / "data"

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    @property
    def _socket(self) -> Path:
        return self.home.run / f".s.PGSQL.{_PORT}"
