"""What the measuring programs stand on: a Canonry of its own in a temporary home, its command line, and a stopwatch at the edge."""

import contextlib
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from canonry.infra.files import remove_tree
from tests.support.canonry import Canonry, running_canonry

_EVERY = 0.005
_LONGEST = 180.0
_AFTER_THE_END = 15.0  # a command that has ended said that the new content is served; a loaded machine may need a while to show it
_COMMAND = [sys.executable, "-m", "canonry.cli.main"]


@dataclass(frozen=True)
class Timing:
    """Seconds from the start of a command: until the new content was answered (`served`), until the command ended (`ended`).

    served_at: the same moment as a UNIX time.
    """

    served: float
    ended: float
    served_at: float


@contextlib.contextmanager
def fresh_canonry(**settings: str) -> Iterator[Canonry]:
    """Give a running Canonry with a home of its own; take everything of it away afterwards. settings: `CANONRY_...`."""
    folder = Path(tempfile.mkdtemp(prefix="canonry-bench-"))
    try:
        # An empty value lets Python keep byte code, as an installed program has it, even where the caller's shell forbids it.
        with running_canonry(folder, PYTHONDONTWRITEBYTECODE="", **settings) as canonry:
            yield canonry
    finally:
        remove_tree(folder)


def timed(canonry: Canonry, arguments: list[str], slug: str, marker: str | None, path: str = "/") -> Timing:
    """Run `canonry ARGUMENTS` and say when the site of `slug` first answered with `marker` in it. Raises: RuntimeError.

    marker: None when nothing new is to be seen; then `served` is the end of the command.
    """
    log = canonry.folder / "last command.log"
    with log.open("wb") as output, Looker(canonry.port, slug, path) as looker:
        started = time.perf_counter()
        command = subprocess.Popen([*_COMMAND, *arguments], env=canonry.environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            served, served_at = (0.0, 0.0) if marker is None else looker.wait_for(marker, command, started)
            code = command.wait(_LONGEST)
        finally:
            if command.poll() is None:
                command.kill()
                command.wait()
    ended = time.perf_counter() - started
    if code != 0 or (marker is not None and not served):
        raise RuntimeError(f"canonry {' '.join(arguments)} ended with {code}:\n{log.read_text()}")
    return Timing(served or ended, ended, served_at)


class Looker:
    """Asks a site every 5 ms over one connection."""

    def __init__(self, port: int, slug: str, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._host = f"{slug}.localhost:{port}"
        self._path = path

    def __enter__(self) -> Self:
        """Open the connection, so that opening it is not measured."""
        self._connection.connect()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._connection.close()

    def wait_for(self, marker: str, command: subprocess.Popen[bytes], started: float) -> tuple[float, float]:
        """Return the seconds since `started` at which `marker` was answered, and the UNIX time; zeros when the command failed."""
        wanted, deadline, is_over = marker.encode(), started + _LONGEST, False
        while (asked := time.perf_counter()) < deadline:
            if wanted in self._ask():
                return time.perf_counter() - started, time.time()
            if command.poll() is not None and not is_over:
                is_over, deadline = True, asked + _AFTER_THE_END
            time.sleep(max(0.0, asked + _EVERY - time.perf_counter()))
        return 0.0, 0.0

    def _ask(self) -> bytes:
        try:
            self._connection.request("GET", self._path, headers={"Host": self._host})
            return self._connection.getresponse().read()
        except (http.client.HTTPException, OSError):
            self._connection.close()  # the next request opens it again
            return b""


def build_log(canonry: Canonry, slug: str) -> list[dict[str, str]]:
    """Return the lines of the newest deployment's log ({ts, stream, text})."""
    newest = canonry.api("GET", f"/v1/projects/{slug}/deployments?limit=1")["deployments"][0]
    return list(canonry.api("GET", f"/v1/deployments/{newest['id']}/logs?limit=1000")["lines"])
