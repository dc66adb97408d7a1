"""The proxy as the rest sees it: what is behind each port, that it runs, and what it knows of clients."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import canonry
from canonry.adapters.clusters.proxy import table
from canonry.core.errors import Conflict, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import own_environment
from canonry.infra import processes
from canonry.infra.files import write_atomic
from canonry.infra.locks import locked
from canonry.infra.processes import ProcessId

_PATIENCE = 10.0  # seconds for the proxy to begin
_ANSWER = 5.0  # seconds for its answer
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from canonry.adapters.clusters.proxy.main import main; main(sys.argv[1:])"


@dataclass(frozen=True)
class Seen:
    """What the proxy knows of a port. clients: connected now. last_used: unix time, 0 for never. problem: why it does not listen."""

    clients: int
    last_used: float
    problem: str


class Gateway:
    """The proxy of one home. wake_command: starts a database when Canonry does not run (its id is added)."""

    def __init__(self, home: Home, wake_command: Sequence[str]) -> None:
        self._folder = home.databases / ".proxy"
        self._pid_file = home.databases / ".proxy.pid"
        self._lock = home.databases / ".proxy.lock"
        self._log = home.logs / "databases.log"
        self.control, self.wakes = home.run / "databases.sock", home.run / "wake.sock"
        self._wake_command = wake_command

    def entry(self, port: int) -> table.Entry | None:
        """Return what is behind a port."""
        try:
            return table.parse((self._folder / str(port)).read_text(encoding="utf-8"))
        except OSError:
            return None

    def put(self, port: int, entry: table.Entry) -> Seen:
        """Put this behind the port; the proxy, started when needed, has taken it over when this returns.

        Raises: Conflict `port_taken`; Unavailable `proxy_failed`.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(self._folder / str(port), entry.text(), mode=0o600, sync=False)  # after a power cut `start` writes it again
        seen = self._ask_surely().get(port)
        if seen is None:
            raise Unavailable("proxy_failed", f"The proxy of databases does not serve port {port}.", hint=f"Read {self._log}.")
        if seen.problem:
            holder = processes.port_holder(port)
            raise Conflict("port_taken", f"The database's port {port} cannot be opened ({seen.problem}){holder and f': {holder} has it'}.",
                           hint="End what has the port, then try again.")  # fmt: skip
        return seen

    def drop(self, port: int, cluster: str) -> None:
        """Put nothing behind the port any more, if this cluster is there. Its clients are cut off."""
        found = self.entry(port)
        if found is not None and found.cluster == cluster:
            (self._folder / str(port)).unlink(missing_ok=True)
            self.look()

    def drop_all_of(self, cluster: str, *, but: int | None = None) -> None:
        """Drop every port of a cluster but one."""
        for port in self.ports():
            if port != but:
                self.drop(port, cluster)

    def ports(self) -> list[int]:
        """Return every port of the table."""
        try:
            return [int(name) for name in (entry.name for entry in os.scandir(self._folder)) if name.isdigit()]
        except FileNotFoundError:
            return []

    def look(self) -> dict[int, Seen]:
        """Have the proxy look at the table, and return what it knows of each port; nothing when it does not run."""
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(_ANSWER)
                asking.connect(str(self.control))
                answer = b"".join(iter(lambda: asking.recv(65_536), b""))
        except OSError:
            return {}
        found = {}
        for line in answer.decode().splitlines():
            port, clients, last_used, problem = line.split(" ", 3)
            found[int(port)] = Seen(int(clients), float(last_used), problem)
        return found

    def ensure(self) -> None:
        """Start the proxy when it does not run. Raises: Unavailable `proxy_failed`."""
        if self.find() is not None:
            return
        self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._lock, timeout=_PATIENCE * 2, purpose="start the proxy of databases"):
            if self.find() is None:
                self._start()

    def find(self) -> ProcessId | None:
        """Return its process when it runs."""
        try:
            pid, started = self._pid_file.read_text(encoding="utf-8").split()
            process = ProcessId(int(pid), int(started))
        except (OSError, ValueError):
            return None
        return process if processes.is_alive(process) else None

    def stop(self) -> None:
        """End it; clients are cut off."""
        if process := self.find():
            processes.stop(process, grace=2, ask=signal.SIGTERM)
        self._pid_file.unlink(missing_ok=True)

    def _start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.control.unlink(missing_ok=True)
        source = str(Path(canonry.__file__).parents[1])
        argv = [sys.executable, "-I", "-S", "-c", _START, source, str(self._folder), str(self.control), str(self.wakes), "--",
                *self._wake_command]  # fmt: skip
        child = processes.start_detached(argv, log=self._log, env=own_environment())
        deadline = time.monotonic() + _PATIENCE
        while child.poll() is None and time.monotonic() < deadline:
            if (process := processes.identify(child.pid)) and self._answers():
                write_atomic(self._pid_file, f"{process.pid} {process.started}\n", mode=0o600, sync=False)
                return
            time.sleep(0.005)
        child.kill()
        raise Unavailable("proxy_failed", "The proxy of databases does not start.", hint=f"Read {self._log}.")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.control))
            return True
        return False

    def _ask_surely(self) -> dict[int, Seen]:
        self.ensure()
        return self.look()
