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
        stopped = [stop_serving(place), _stop_instances(settings, place), _stop_databases(settings, place), _stop_services(settings, place)]
    if not any(stopped):
        say(f"Nothing runs in {place.root}.")
    return 0


def _stop_instances(settings: Settings, home: "Home") -> bool:
    from canonry.adapters.runtime.process.runtime import ProcessRuntime

    runtime = ProcessRuntime(home, settings)
    running = [state for state in runtime.states() if state.running]
    if not running:
        return False
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(lambda state: runtime.stop(state.id, settings.stop_grace), running))
    say(f"{len(running)} app instance{'s' if len(running) > 1 else ''} stopped.")
    return True


def _stop_databases(settings: Settings, home: "Home") -> bool:
    from canonry.wiring.clusters import clusters_of_this_machine

    count = clusters_of_this_machine(settings, home).shut_down()
    if count:
        say(f"{count} database{'s' if count > 1 else ''} stopped.")
    return count > 0


def _stop_services(settings: Settings, home: "Home") -> bool:
    from canonry.cli.server.services import make_services
    from canonry.infra.postgres import Postgres

    services = make_services(settings, home)
    postgres = services.postgres or Postgres(home)  # ours may still run from a time before CANONRY_DATABASE_URL was set
    edge, database = services.caddy.find(), postgres.find()
    if edge:
        services.caddy.stop()
        say(f"Caddy (pid {edge}) stopped.")
    if database:
        postgres.stop()
        say(f"PostgreSQL (pid {database.pid}) stopped.")
    return bool(edge or database)
