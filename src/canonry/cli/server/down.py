"""`canonry down`: everything of one home ends, and nothing is left behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from canonry.cli.output import say
from canonry.cli.server.options import HomeOption
from canonry.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from canonry.core.paths import Home


def down(
    home: HomeOption = None,
) -> int:
    """Stop Canonry, the apps it runs, Caddy and PostgreSQL. Data stays; `canonry up` brings all of it back."""
    from canonry.cli.server.home import explained
    from canonry.cli.server.running import stop_serving
    from canonry.core.paths import Home
    from canonry.infra.locks import locked

    settings = read_settings(home=home)
    place = Home(settings.home_path)
    if not place.run.is_dir():
        say(f"Nothing runs in {place.root}.")
        return 0
    with explained(place.root), locked(place.run / "start.lock", timeout=120, purpose="start or stop Canonry here"):
        stopped = stop_serving(place)  # first: nothing is to be started any more
        stops = [_stopping_apps(settings, place), _stopping_edge(settings, place), _stopping_postgres(place)]
        with ThreadPoolExecutor() as pool:  # Caddy says goodbye to its clients for a second, apps and databases have their grace
            steps = [pool.submit(stop) for stop in stops]
        said = [words for step in steps for words in step.result()]
    for words in said:
        say(words)
    if not stopped and not said:
        say(f"Nothing runs in {place.root}.")
    return 0


# Each of these loads what it needs and returns what stops, which returns what to say of it. Nothing is loaded beside each other: of two
# threads that come to one package by different ways, Python refuses one ("deadlock detected").


def _stopping_apps(settings: Settings, home: "Home") -> Callable[[], list[str]]:
    """The instances of apps, then the databases they use."""
    from canonry.adapters.runtime.process.runtime import ProcessRuntime
    from canonry.wiring.clusters import clusters_of_this_machine

    runtime, clusters = ProcessRuntime(home, settings), clusters_of_this_machine(settings, home)

    def stop() -> list[str]:
        said = []
        if running := [state for state in runtime.states() if state.running]:
            with ThreadPoolExecutor(max_workers=16) as pool:
                list(pool.map(lambda state: runtime.stop(state.id, settings.stop_grace), running))
            said.append(f"{len(running)} app instance{'s' if len(running) > 1 else ''} stopped.")
        if count := clusters.shut_down():
            said.append(f"{count} database{'s' if count > 1 else ''} stopped.")
        return said

    return stop


def _stopping_edge(settings: Settings, home: "Home") -> Callable[[], list[str]]:
    from canonry.cli.server.services import make_services

    caddy = make_services(settings, home).caddy

    def stop() -> list[str]:
        if (pid := caddy.find()) is None:
            return []
        caddy.stop()
        return [f"Caddy (pid {pid}) stopped."]

    return stop


def _stopping_postgres(home: "Home") -> Callable[[], list[str]]:
    """Our own PostgreSQL; one may still run from a time before CANONRY_DATABASE_URL was set."""
    from canonry.infra.postgres import Postgres

    postgres = Postgres(home)

    def stop() -> list[str]:
        if (database := postgres.find()) is None:
            return []
        postgres.stop()
        return [f"PostgreSQL (pid {database.pid}) stopped."]

    return stop
