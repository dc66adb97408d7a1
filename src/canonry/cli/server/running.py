"""What of Canonry runs on this machine: the Python process by its lock and state file, Caddy and PostgreSQL by their own traces."""

import dataclasses
import http.client
import json
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from canonry.cli.output import say
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra import processes
from canonry.infra.files import write_atomic
from canonry.infra.locks import FileLock
from canonry.infra.processes import ProcessId

_SERVE_GRACE = 30.0  # seconds; web and jobs have shorter limits of their own


@dataclass(frozen=True)
class Serving:
    """The serving Python process, as it wrote it down. started: clock ticks since boot. url: its own address; projects_url: a pattern.

    Another version may have written more or less of this: a process is still found by those who upgrade it.
    """

    pid: int
    started: int
    http_port: int
    http_address: str
    base_domain: str
    version: str
    url: str
    projects_url: str


def write_serving(home: Home, settings: Settings, process: ProcessId, version: str) -> None:
    """Write down that this process serves the home now."""
    state = Serving(process.pid, process.started, settings.http_port, settings.http_address, settings.base_domain, version,
                    settings.own_url, settings.url_of(f"<slug>.{settings.base_domain}"))  # fmt: skip
    write_atomic(home.serve_state, json.dumps(dataclasses.asdict(state)), mode=0o600, sync=False)


def read_serving(home: Home) -> Serving | None:
    """Return what the serving process wrote down, None when none serves (any more)."""
    try:
        written = json.loads(home.serve_state.read_bytes())
        written = {"url": f"http://localhost:{written['http_port']}", "projects_url": ""} | written  # the first version wrote neither
        state = Serving(**{field.name: written[field.name] for field in dataclasses.fields(Serving) if field.name in written})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if processes.is_alive(ProcessId(state.pid, state.started)) else None


def find_serving(home: Home) -> ProcessId | None:
    """Return the Python process that holds this home, also one that is only just starting."""
    pid = FileLock(home.lock).holder()
    return processes.identify(pid) if pid else None


def stop_serving(home: Home) -> bool:
    """Stop the Python process of this home; apps go on. Return whether one ran."""
    if (process := find_serving(home)) is None:
        return False
    asked = processes.stop(process, grace=_SERVE_GRACE, ask=signal.SIGTERM)
    home.serve_state.unlink(missing_ok=True)
    say(f"canonry (pid {process.pid}) stopped." if asked else f"canonry (pid {process.pid}) did not end in time and was killed.")
    return True


def answers(web_socket: Path, path: str = "/readyz", timeout: float = 3) -> bool:
    """Say whether the web process answers that path with 200 on its socket."""
    connection = _UnixConnection("localhost", timeout=timeout)
    connection.path = str(web_socket)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def alarms(web_socket: Path, timeout: float = 10) -> list[str] | None:
    """Return the names of the alarms that the web process knows of; None when it does not answer."""
    connection = _UnixConnection("localhost", timeout=timeout)
    connection.path = str(web_socket)
    try:
        connection.request("GET", "/readyz?deep=1")
        found = json.loads(connection.getresponse().read())
        return [str(name) for name in found.get("alarms", [])]
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    path = ""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)
