"""`canonry serve`: the one Python process of a home, which is web, worker and keeper."""

import asyncio
import atexit
import gc
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from canonry import __version__
from canonry.cli.server.options import HomeOption, PortOption
from canonry.core.errors import Conflict, Unavailable
from canonry.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from canonry.cli.server.services import Services
    from canonry.wiring.container import Container

# What is frozen counts for nothing, so with Python's own thresholds everything else would be looked through again and again.
_GARBAGE = (5_000, 10, 20)
_JOB_GRACE = 5.0  # seconds that running jobs get at a stop; what is left is taken up at the next start


def serve(
    home: HomeOption = None,
    http_port: PortOption = None,
) -> int:
    """Run Canonry's Python process in the foreground (PostgreSQL and Caddy are started when they do not run).

    It ends at SIGTERM or Ctrl-C; apps, Caddy and PostgreSQL go on. `canonry down` stops everything.
    """
    serve_home(read_settings(home=home, http_port=http_port))
    return 0


def serve_home(settings: Settings) -> None:
    """Serve until a signal asks to end.

    Raises: Conflict `already_running`; Unavailable `web_failed`; and what `start_services` raises.
    """
    gc.disable()  # what is made at a start stays: looking for garbage in it took 0.3 s
    from canonry.cli.server.home import explained, prepare_home
    from canonry.cli.server.services import make_services, start_services
    from canonry.infra.locks import FileLock
    from canonry.infra.logs import write_to_stderr
    from canonry.infra.processes import allow_open_files
    from canonry.wiring.container import open_container

    allow_open_files()
    home = prepare_home(settings)
    lock = FileLock(home.lock)
    with explained(home.root):
        if not lock.take():
            raise Conflict("already_running", f"Canonry already serves {home.root} (pid {lock.holder()}).", hint="canonry status shows it.")
    try:
        write_to_stderr()
        services = make_services(settings, home)
        with ExitStack() as undo:
            container = open_container(settings, start_services(services, settings, home, undo, _quiet))
            undo.pop_all()
        try:
            _run(container, services)
        finally:
            container.close()
    finally:
        lock.let_go()


def _run(container: "Container", services: "Services") -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(container, services))


async def _serve(container: "Container", services: "Services") -> None:
    from canonry.features.deployments import recover
    from canonry.infra.keeper import Keeper
    from canonry.web.app import create_app
    from canonry.web.server import serve_web
    from canonry.wiring.jobs import tasks
    from canonry.wiring.rounds import rounds
    from canonry.worker.main import Worker
    from canonry.worker.watcher import Watcher

    stop, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal we were started in may close
    worker = Worker(container.database, tasks(container), concurrency=container.settings.workers)
    watcher = Watcher(container.database.url, rounds(container))
    keeper = Keeper(services.kept())
    web = asyncio.create_task(serve_web(create_app(container), container.home.web_socket, stop, ready))
    background = asyncio.create_task(_when_ready(container, ready, stop))
    recover(container)
    worker.start()
    watcher.start()
    keeper.start()
    try:
        await web
        if not stop.is_set():
            raise Unavailable("web_failed", "The web server ended by itself.", hint="The lines before say why.")
    finally:
        stop.set()
        background.cancel()
        await asyncio.to_thread(keeper.stop)  # first: nothing is to be started any more
        await asyncio.gather(asyncio.to_thread(watcher.stop), asyncio.to_thread(worker.stop, _JOB_GRACE))
        container.home.serve_state.unlink(missing_ok=True)


async def _when_ready(container: "Container", ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Look for garbage from now on, write down that we serve, then keep the log files short."""
    from canonry.cli.server.running import write_serving
    from canonry.infra import processes
    from canonry.infra.logs import keep_short

    await ready.wait()
    gc.freeze()  # likewise when it looks for garbage later: each time, nothing was answered for 0.2 s
    gc.set_threshold(*_GARBAGE)
    gc.enable()
    me = processes.identify(os.getpid())
    if me is not None:
        write_serving(container.home, container.settings, me, __version__)
    while not stop.is_set():
        logs = container.home.logs
        for log in (logs / "canonry.log", logs / "postgres.log", logs / "databases.log", *(logs / "databases").glob("*.log")):
            keep_short(log)
        await asyncio.sleep(60)


def _quiet(_text: str) -> None:
    """Say nothing: the log of the process tells what matters."""


def _main() -> None:
    """`python -m canonry.cli.server.serve HOME PORT`: how `up --detach` starts it, without the command line's own modules in memory."""
    from canonry.cli.errors import exit_code, show
    from canonry.core.errors import CanonryError

    code = 1
    # The last that is done, after threads and whoever registers later have ended: Python itself would take half a second to take all
    # that was loaded apart.
    atexit.register(lambda: os._exit(code))
    try:
        serve_home(read_settings(home=Path(sys.argv[1]), http_port=int(sys.argv[2])))
        code = 0
    except CanonryError as error:
        show(error)
        code = exit_code(error)


if __name__ == "__main__":
    _main()
