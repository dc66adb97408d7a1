"""The serving process in the background: started, waited for, ended when its start goes wrong."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from canonry.cli.server.running import Serving, answers, read_serving
from canonry.core.errors import Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings, own_environment
from canonry.infra import processes

_READY_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class Starting:
    """A serving process that has been started. offset: where its lines begin in the log."""

    home: Home
    child: subprocess.Popen[bytes]
    offset: int

    def wait(self) -> Serving:
        """Return once it answers. Raises: Unavailable `serve_failed`, with the reason it wrote."""
        deadline = time.monotonic() + _READY_TIMEOUT
        while time.monotonic() < deadline:
            if (code := self.child.poll()) is not None:
                message = f"Canonry's process ended with {code}: {self._reason()}"
                raise Unavailable("serve_failed", message, hint=f"Read {_log(self.home)}.")
            if (serving := read_serving(self.home)) and answers(self.home.web_socket):
                return serving
            time.sleep(0.02)
        raise Unavailable("serve_failed", f"Canonry does not answer after {_READY_TIMEOUT:g} s.", hint=f"Read {_log(self.home)}.")

    def end(self) -> None:
        """Stop it, because what came with it failed."""
        self.child.terminate()
        try:
            self.child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def _reason(self) -> str:
        with _log(self.home).open("rb") as file:
            file.seek(self.offset)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return next(
            (line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[-1] if lines else "it wrote nothing"
        )


def start_serving(settings: Settings, home: Home) -> Starting:
    """Start the serving process in a session of its own; its log is `logs/canonry.log`."""
    log = _log(home)
    offset = log.stat().st_size if log.exists() else 0
    argv = [sys.executable, "-m", "canonry.cli.server.serve", str(home.root), str(settings.http_port)]
    return Starting(home, processes.start_detached(argv, log=log, env=own_environment()), offset)


def _log(home: Home) -> Path:
    return home.logs / "canonry.log"
