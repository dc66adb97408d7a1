"""A job done in a process of its own, which is killed (SIGKILL) at a named place: see tests/support/killpoint."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from canonry.wiring.container import Container

_SOURCE = Path(__file__).parents[2] / "src"
_KILLPOINT = Path(__file__).parent / "killpoint"
_PROGRAM = """
import sys
from pathlib import Path
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.wiring.container import open_container
from canonry.wiring.jobs import tasks
home, url, name, *arguments = sys.argv[1:]
container = open_container(Settings(home=Path(home)), Secret(url))
tasks(container)[name](**dict(argument.split("=", 1) for argument in arguments))
container.close()
"""


def run_killed(container: Container, job: str, at: str, folder: Path, **arguments: str) -> None:
    """Do a job until the place `at` (`module:function:start` or `:return`), where its process is killed."""
    once = folder / f"{abs(hash((job, at)))}-{len(list(folder.iterdir()))}"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{_KILLPOINT}:{_SOURCE}", "KILL_AT": at, "KILL_ONCE": str(once)}
    words = [f"{name}={value}" for name, value in arguments.items()]
    command = [sys.executable, "-c", _PROGRAM, str(container.home.root), container.database.url.reveal(), job, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, f"{at} was not reached: {done.stderr[-2000:]}"
