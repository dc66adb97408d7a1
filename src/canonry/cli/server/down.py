"""`canonry down`: everything of one home ends, and nothing is left behind."""

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
        with ThreadPoolExecutor() as pool:  # Caddy says goodbye to its clients for a second, apps and databases have their grace
            steps = [pool.submit(stop, settings, place) for stop in (_stop_apps, _stop_edge, _stop_postgres)]
        said = [words for step in steps for words in step.result()]
    for words in said:
        say(words)
    if not stopped and not said:
        say(f"Nothing runs in {place.root}.")
    return 0


def _stop_apps(settings: Settings, home: "Home") -> list[str]:
    """Stop the instances of apps, then the databases they use. Returns what to say of it, as each of these."""
    from canonry.adapters.runtime.process.runtime import ProcessRuntime
    from canonry.wiring.clusters import clusters_of_this_machine

    said = []
    runtime = ProcessRuntime(home, settings)
    if running := [state for state in runtime.states() if state.running]:
        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(lambda state: runtime.stop(state.id, settings.stop_grace), running))
        said.append(f"{len(running)} app instance{'s' if len(running) > 1 else ''} stopped.")
    if count := clusters_of_this_machine(settings, home).shut_down():
        said.append(f"{count} database{'s' if count > 1 else ''} stopped.")
    return said


def _stop_edge(settings: Settings, home: "Home") -> list[str]:
    from canonry.cli.server.services import make_services

    caddy = make_services(settings, home).caddy
    if (pid := caddy.find()) is None:
        return []
    caddy.stop()
    return [f"Caddy (pid {pid}) stopped."]


def _stop_postgres(_settings: Settings, home: "Home") -> list[str]:
    """Stop our own PostgreSQL; one may still run from a time before CANONRY_DATABASE_URL was set."""
    from canonry.infra.postgres import Postgres

    postgres = Postgres(home)
    if (database := postgres.find()) is None:
        return []
    postgres.stop()
    return [f"PostgreSQL (pid {database.pid}) stopped."]
