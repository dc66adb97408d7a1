"""The web part of Canonry alone, for bench.api: one process on a unix socket, over a database that is there already.

    python -m bench.api_server HOME DATABASE_URL SOCKET [--known]

--known: whoever asks is taken for the owner of the token without a look into the database, to tell what looking costs.
"""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from canonry.core.access import Actor
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.web.app import create_app
from canonry.web.server import serve_web
from canonry.wiring.container import Container, open_container


class _Known:
    """Asks the real identity once."""

    def __init__(self, container: Container) -> None:
        self._real = container.ports.identity
        self._actor: Actor | None = None

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who asked first."""
        self._actor = self._actor or self._real.authenticate(credential)
        return self._actor

    def authenticate_session(self, secret: Secret, organization: str = "") -> Actor | None:
        """Ask the real one."""
        return self._real.authenticate_session(secret, organization)


def main() -> None:
    """Serve until SIGTERM."""
    home, url, path, *flags = sys.argv[1:]
    everything = 1 << 30
    container = open_container(Settings(home=Path(home), rate_limit=everything, rate_limit_anonymous=everything), Secret(url))
    if "--known" in flags:
        container = replace(container, ports=replace(container.ports, identity=_Known(container)))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(container, Path(path)))
    container.close()


async def _serve(container: Container, path: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve_web(create_app(container), path, stop, asyncio.Event())


if __name__ == "__main__":
    main()
